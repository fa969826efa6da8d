select audit_bus()
