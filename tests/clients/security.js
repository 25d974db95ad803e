// What Thunderbird and Firefox know of modules, tokens and certificates.
const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);

// The tokens that a module shows.
async function tokens(moduleName) {
  const modules = await Cc["@mozilla.org/security/pkcs11moduledb;1"]
    .getService(Ci.nsIPKCS11ModuleDB).listModules();
  const found = modules.find(module => module.name == moduleName);
  return found.slots.map(slot => slot.tokenName).filter(name => name);
}

// 0 if a certificate is good for a usage, or else NSS's error.
function verify(certificate, usage) {
  return new Promise(resolve => {
    database.asyncVerifyCertAtTime(certificate, Ci.nsIX509CertDB[usage],
      Ci.nsIX509CertDB.FLAG_LOCAL_ONLY, null, Date.now() / 1000, [], { verifyCertFinished: resolve });
  });
}

// A token's certificates: DER in base64, and how each does for each of the usages.
async function certificates(token, usages) {
  const answer = [];
  for (const certificate of database.getCerts()) {
    if (certificate.tokenName == token) {
      const errors = await Promise.all(usages.map(usage => verify(certificate, usage)));
      answer.push([certificate.getBase64DERString(), ...errors]);
    }
  }
  return answer;
}
