"""What the gateway keeps by name or by digest: uploads, dataset versions, model versions and their aliases. No web here."""
