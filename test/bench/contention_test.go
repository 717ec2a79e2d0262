package bench_test

import (
	"testing"

	"github.com/cladgo/clad/test/bench"
)

func TestContendersShareWhatTheySay(t *testing.T) {
	all, err := bench.Contend()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			const calls = 200
			for _, goroutines := range []int{1, 2, 8, 64} {
				crowd := c.Join(goroutines)
				defer crowd.Close()
				if err := crowd.Run(calls); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Close(4 * calls); err != nil {
				t.Fatal(err)
			}
		})
	}
}
