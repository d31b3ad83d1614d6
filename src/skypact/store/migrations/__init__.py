"""How an older database becomes one of this version: a module a step, never changed once released."""
