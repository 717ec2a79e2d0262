package adapters_test

import (
	"testing"

	"github.com/cladgo/clad/test/bench/adapters"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is timed is what is said: each call goes well, and what protects it counts it.
func TestCasesDoWhatTheyAreNamedAfter(t *testing.T) {
	rows := map[string]bool{}
	for _, c := range adapters.All() {
		rows[c.Row] = true
		t.Run(c.Row+"/"+c.System, func(t *testing.T) {
			b, err := c.Prepare(c.Row)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Run(100); err != nil {
				t.Error(err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	for _, row := range adapters.Rows() {
		if !rows[row.Name] {
			t.Errorf("%s is not measured", row.Name)
		}
	}
}

// What an error means is found out without allocating anything.
func TestFailuresAllocateNothing(t *testing.T) {
	for _, c := range adapters.Cases() {
		if !(adapters.Row{Name: c.Row}).Failing() {
			continue
		}
		b, err := c.Prepare(c.Row)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(200, func() { err = b.Run(1) }); n != 0 || err != nil {
			t.Errorf("%s/%s: %v allocations, %v", c.Row, c.System, n, err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	for _, c := range adapters.All() {
		b.Run(c.Row+"/"+c.System, func(b *testing.B) {
			s, err := c.Prepare(c.Row)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if err := s.Run(b.N); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
