"""Where rules meet storage: ask the rules, then one transaction of state, ledger and outgoing message."""
