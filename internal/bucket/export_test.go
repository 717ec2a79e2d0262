package bucket

import "github.com/cladgo/clad/internal/clock"

// Lend has the bucket lend to its shards as it does when goroutines meet at it all
// the time, and reports whether it does.
func (b *Bucket) Lend() bool {
	if c := b.credit.Load(); c.lent == nil {
		b.lend(c, clock.Now())
	}
	return b.Lends()
}

// Lends reports whether it lends.
func (b *Bucket) Lends() bool { return b.credit.Load().lent != nil }
