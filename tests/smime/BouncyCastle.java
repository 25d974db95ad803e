import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSCompressedData;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.ZlibExpanderProvider;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/* What Bouncy Castle makes of a CMS message: `verify FILE` writes what was signed, if each signature
 * is good under the certificate that the message carries; `expand FILE` what was compressed. */
public class BouncyCastle {
    static byte[] verify(byte[] message) throws Exception {
        CMSSignedData data = new CMSSignedData(message);

        if (data.getSignerInfos().size() == 0)
            throw new Exception("nobody signed");
        for (SignerInformation signer : data.getSignerInfos()) {
            Object certificate = data.getCertificates().getMatches(signer.getSID()).iterator().next();
            JcaSimpleSignerInfoVerifierBuilder verifier = new JcaSimpleSignerInfoVerifierBuilder();

            if (!signer.verify(verifier.setProvider("BC").build((X509CertificateHolder) certificate)))
                throw new Exception("the signature is bad");
        }
        return (byte[]) data.getSignedContent().getContent();
    }

    public static void main(String[] words) throws Exception {
        byte[] message = Files.readAllBytes(Path.of(words[1]));

        Security.addProvider(new BouncyCastleProvider());
        if (words[0].equals("verify"))
            System.out.write(verify(message));
        else
            System.out.write(new CMSCompressedData(message).getContent(new ZlibExpanderProvider()));
        System.out.flush();
    }
}
