// What firefox.py has done inside Firefox, in its main window, after security.js.

// From now on, when Firefox asks which certificate a server shall see, this one is chosen for the
// connection. It may ask for several connections to one server.
function chooseWhenAsked(der) {
  if (window.chooser) {
    Services.obs.removeObserver(window.chooser, "cert-dialog-loaded");
  }
  window.chooser = dialogue => {
    const view = dialogue.ownerDocument.defaultView;
    const index = view.certArray.findIndex(certificate => certificate.getBase64DERString() == der);
    view.document.getElementById("nicknames").value = index;
    view.document.getElementById("rememberSetting").value = Ci.nsIClientAuthRememberService.Once;
    dialogue.acceptDialog();
  };
  Services.obs.addObserver(window.chooser, "cert-dialog-loaded");
}
