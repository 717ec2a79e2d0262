package bench_test

import (
	"testing"

	"github.com/cladgo/clad/test/bench"
)

// A benchmark that never ran what it timed is worth less than none.
func TestCasesDoWhatTheyAreNamedAfter(t *testing.T) {
	for _, c := range bench.Cases() {
		t.Run(c.ID(), func(t *testing.T) {
			b, err := c.Prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			const calls = 100
			if err := b.Run(calls); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(calls); err != nil {
				t.Fatal(err)
			}
		})
	}
}
