// CONFIGURATION ALIAS PORT VERSION: as the holder of key ALIAS on a token (SunPKCS11 with this
// configuration), sends a line to the server at localhost:PORT, by this version of TLS, and prints
// what comes back. The file server.pem in the working folder is the server's certificate.

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

public class TlsClient {
    // Java would take whichever of the token's keys comes first.
    private static class OneKey extends X509ExtendedKeyManager {
        private final KeyStore token;
        private final String alias;

        OneKey(KeyStore token, String alias) {
            this.token = token;
            this.alias = alias;
        }

        @Override
        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            try {
                String algorithm = token.getCertificate(alias).getPublicKey().getAlgorithm();

                for (String type : types)
                    if (type.equals(algorithm))
                        return alias;
                return null;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public X509Certificate[] getCertificateChain(String name) {
            try {
                return new X509Certificate[] {(X509Certificate) token.getCertificate(name)};
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public PrivateKey getPrivateKey(String name) {
            try {
                return (PrivateKey) token.getKey(name, null);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[] {alias};
        }

        @Override
        public String[] getServerAliases(String type, Principal[] issuers) {
            return null;
        }

        @Override
        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return null;
        }
    }

    private static TrustManagerFactory trustServer() throws Exception {
        KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");

        anchors.load(null, null);
        try (FileInputStream file = new FileInputStream("server.pem")) {
            anchors.setCertificateEntry("server",
                CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        factory.init(anchors);
        return factory;
    }

    public static void main(String[] args) throws Exception {
        Provider provider = Security.getProvider("SunPKCS11").configure(args[0]);
        KeyStore token = KeyStore.getInstance("PKCS11", provider);
        SSLContext context = SSLContext.getInstance("TLS");

        Security.addProvider(provider);
        token.load(null, new char[0]);
        context.init(new KeyManager[] {new OneKey(token, args[1])}, trustServer().getTrustManagers(),
            null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(
                 "localhost", Integer.parseInt(args[2]))) {
            socket.setEnabledProtocols(new String[] {"TLSv" + args[3]});
            socket.getOutputStream().write("seal\n".getBytes());
            System.out.println(
                new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine());
            socket.getOutputStream().write("CLOSE\n".getBytes());
        }
    }
}
