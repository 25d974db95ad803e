// What thunderbird.py has done inside Thunderbird, in its main window, after security.js. Every
// function answers with plain data.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

// Rejects with its text when Thunderbird shows a dialogue: nobody is there to answer.
function refuseDialogues() {
  return new Promise((_, reject) => {
    Services.obs.addObserver(function observe(dialogue) {
      Services.obs.removeObserver(observe, "common-dialog-loaded");
      reject(dialogue.document.getElementById("infoBody").textContent);
    }, "common-dialog-loaded");
  });
}

function happens(target, name) {
  return new Promise(resolve => target.addEventListener(name, resolve, { once: true, capture: true }));
}

function inbox() {
  return MailServices.accounts.defaultAccount.incomingServer.rootFolder.getChildNamed("Inbox")
    .QueryInterface(Ci.nsIMsgLocalMailFolder);
}

function outbox() {
  return MailServices.accounts.localFoldersServer.rootFolder.getChildNamed("Unsent Messages");
}

// As the account's settings do it.
function chooseCertificates(identity, signer, recipient) {
  for (const [use, der] of [["signing", signer], ["encryption", recipient]]) {
    const certificate = database.constructX509FromBase64(der);
    identity.setUnicharAttribute(`${use}_cert_name`, certificate.displayName);
    identity.setCharAttribute(`${use}_cert_dbkey`, certificate.dbKey);
  }
}

// Writes a mail in a window, and has it sent later. The account's settings sign and encrypt it.
async function write(signer, recipient, to, subject, text) {
  const identity = MailServices.accounts.defaultAccount.defaultIdentity;
  chooseCertificates(identity, signer, recipient);
  const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"]
    .createInstance(Ci.nsIMsgComposeParams);
  const fields = Cc["@mozilla.org/messengercompose/composefields;1"]
    .createInstance(Ci.nsIMsgCompFields);
  Object.assign(fields, { to, subject, body: text });
  Object.assign(parameters, { type: Ci.nsIMsgCompType.New, format: Ci.nsIMsgCompFormat.PlainText,
    identity, composeFields: fields });
  const opened = new Promise(resolve => {
    Services.obs.addObserver(function observe(composer) {
      Services.obs.removeObserver(observe, "domwindowopened");
      // Complete, and the recipients' certificates are found.
      Promise.all([happens(composer, "compose-editor-ready"),
        happens(composer, "encryption-state-checked")]).then(() => resolve(composer));
    }, "domwindowopened");
  });
  MailServices.compose.OpenComposeWindowWithParams(null, parameters);
  const composer = await opened;
  const sent = happens(composer, "aftersend");
  composer.goDoCommand("cmd_sendLater");
  await Promise.race([sent, refuseDialogues()]);
}

// "" for what the message has not, or the name of the state that Thunderbird found.
function stateName(state) {
  return Object.keys(Ci.nsICMSMessageErrors).find(name => Ci.nsICMSMessageErrors[name] == state) ?? "";
}

// What a window shows of a message: the icons for encryption and signature, the states behind
// them, the signer's certificate, and the text; null until it is done.
function look(view) {
  const icon = id => {
    const image = view.document.getElementById(id);
    return image.hidden ? "" : image.getAttribute("src").replace(/.*-(\w+)\.svg$/, "$1");
  };
  const body = view.getMessagePaneBrowser().contentDocument?.body;
  const encryption = stateName(view.gEncryptionStatus);
  const signature = stateName(view.gSignatureStatus);
  if (!(signature && body?.textContent) && ["", "SUCCESS"].includes(encryption)) {
    return null;
  }
  return { encryption, signature, icons: [icon("encryptedHdrIcon"), icon("signedHdrIcon")],
    signer: view.gSignerCert?.getBase64DERString(), text: body?.textContent };
}

// Opens a message in a tab of its own, as a double click does. The tab stays: Thunderbird crashes,
// with or without our module, if one goes while its page about a mail that it cannot decrypt comes.
async function show(folder, header) {
  const tabs = document.getElementById("tabmail");
  const opened = new Promise(resolve => {
    window.addEventListener("aboutMessageLoaded", event => resolve(event.target), { once: true });
  });
  tabs.openTab("mailMessageTab", { messageURI: folder.getUriForMsg(header), background: false });
  const view = await opened;
  return new Promise(resolve => {
    const check = () => look(view) && resolve(look(view));
    // What is found out changes the icons; the text comes before or after that.
    new MutationObserver(check).observe(view.document.getElementById("cryptoBox"),
      { attributes: true, subtree: true });
    view.getMessagePaneBrowser().addEventListener("load", check, true);
  });
}

// Delivers a mail to the inbox, and opens it.
function receive(mail) {
  const folder = inbox();
  return show(folder, folder.addMessage(mail));
}

function showSent() {
  const folder = outbox();
  return show(folder, [...folder.msgDatabase.enumerateMessages()].at(-1));
}
