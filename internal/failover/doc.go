// Package failover measures what callers see of a failover by way of a client, and by
// way of the same client under clad, side by side. The adapters' tests use it, with
// servers of their own. With CLAD_FAILOVERS=write in their environment they write what
// they saw into docs/failovers.md; without, they look whether it is there.
package failover
