import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.Security;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSCompressedData;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.KeyAgreeRecipientId;
import org.bouncycastle.cms.KeyTransRecipientId;
import org.bouncycastle.cms.Recipient;
import org.bouncycastle.cms.RecipientId;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.ZlibExpanderProvider;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/* What Bouncy Castle makes of CMS messages. Each line of standard input is a question, words apart by
 * blanks; the answer is one line, `ok` or what was wrong, and what was read in the file OUT:
 *
 *   verify MESSAGE OUT [CONTENT]          what was signed, if each signature is good under the
 *                                         certificate that the message carries
 *   decrypt MESSAGE OUT KEY CERTIFICATE   in PEM
 *   expand MESSAGE OUT                    what was compressed */
public class BouncyCastle {
    static byte[] verify(byte[] message, byte[] content) throws Exception {
        CMSSignedData data = content == null ? new CMSSignedData(message)
            : new CMSSignedData(new CMSProcessableByteArray(content), message);

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

    static Object readPem(String file) throws Exception {
        try (PEMParser parser = new PEMParser(new FileReader(file))) {
            return parser.readObject();
        }
    }

    /* The RecipientInfo for this certificate, of either kind. */
    static RecipientInformation find(RecipientInformationStore store, X509CertificateHolder holder)
        throws Exception {
        RecipientId[] ids = {new KeyTransRecipientId(holder.getIssuer(), holder.getSerialNumber()),
            new KeyAgreeRecipientId(holder.getIssuer(), holder.getSerialNumber())};

        for (RecipientId id : ids)
            if (store.get(id) != null)
                return store.get(id);
        throw new Exception("not a recipient");
    }

    static Recipient recipient(PrivateKey key, boolean authenticated) throws Exception {
        if (!key.getAlgorithm().equals("RSA"))
            return new JceKeyAgreeEnvelopedRecipient(key).setProvider("BC");
        return authenticated ? new JceKeyTransAuthEnvelopedRecipient(key).setProvider("BC")
            : new JceKeyTransEnvelopedRecipient(key).setProvider("BC");
    }

    static byte[] decrypt(byte[] message, PrivateKey key, X509CertificateHolder holder) throws Exception {
        RecipientInformationStore store;
        boolean authenticated = false;

        try {
            store = new CMSEnvelopedData(message).getRecipientInfos();
        } catch (Exception anotherType) {
            store = new CMSAuthEnvelopedData(message).getRecipientInfos();
            authenticated = true;
        }
        return find(store, holder).getContent(recipient(key, authenticated));
    }

    static byte[] answer(String[] words) throws Exception {
        byte[] message = Files.readAllBytes(Path.of(words[1]));

        if (words[0].equals("verify"))
            return verify(message, words.length > 3 ? Files.readAllBytes(Path.of(words[3])) : null);
        if (words[0].equals("expand"))
            return new CMSCompressedData(message).getContent(new ZlibExpanderProvider());
        return decrypt(message,
            new JcaPEMKeyConverter().setProvider("BC").getPrivateKey((PrivateKeyInfo) readPem(words[3])),
            (X509CertificateHolder) readPem(words[4]));
    }

    static String causes(Throwable error) {
        return error + (error.getCause() == null ? "" : "; " + causes(error.getCause()));
    }

    public static void main(String[] unused) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        String question;

        Security.addProvider(new BouncyCastleProvider());
        while ((question = questions.readLine()) != null) {
            String[] words = question.split(" ");

            try {
                Files.write(Path.of(words[2]), answer(words));
                System.out.println("ok");
            } catch (Exception error) {
                System.out.println(causes(error).replace('\n', ' '));
            }
        }
    }
}
