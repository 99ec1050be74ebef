"""The agent's property list for launchd, which `trimtab service install` fills in."""
