"""The pure core: declaration, lock and asset digests in, plan out. No I/O and no Pulumi here."""
