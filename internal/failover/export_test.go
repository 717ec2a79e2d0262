package failover

import "testing"

// Replace is replace.
func Replace(old, key, line string) string { return replace(old, key, line) }

// Watch returns what was seen of a run with one client, bare and guarded.
func Watch(t *testing.T, r Run) string {
	t.Helper()
	seen := r.watch(t, 1)[0]
	return seen.bare.String() + "; " + seen.guarded.String()
}
