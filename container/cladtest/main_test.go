package cladtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spy is a test that only notes that it failed, and how.
type spy struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (s *spy) Helper()                   {}
func (s *spy) Cleanup(f func())          { s.cleanup = append(s.cleanup, f) }
func (s *spy) Errorf(f string, a ...any) { s.said = append(s.said, fmt.Sprintf(f, a...)) }

// fatal is what ends the test that is spied on.
type fatal struct{}

func (s *spy) Fatalf(f string, a ...any) { s.Errorf(f, a...); panic(fatal{}) }

// spied runs a test to its end, and returns what it said of its failures.
func spied(test func(testing.TB)) string {
	s := &spy{}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(fatal{}) {
				panic(r)
			}
		}()
		test(s)
	}()
	for _, f := range slices.Backward(s.cleanup) {
		f()
	}
	return strings.Join(s.said, "\n")
}
