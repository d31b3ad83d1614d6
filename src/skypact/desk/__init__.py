"""Where rules meet storage: ask the rules, then one transaction of state, ledger entry and outgoing message."""
