//! A device network inside the gateway, which unmodified Meshblu clients can use.
