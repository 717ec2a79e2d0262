package needs_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/cladgo/clad/internal/needs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

func TestFollowersHearOfNeedsThatAreMet(t *testing.T) {
	met := map[string]bool{}
	add := func(name string) {
		needs.Add(needs.Need{Name: name, Unmet: func() error {
			if met[name] {
				return nil
			}
			return errors.New("missing " + name)
		}})
	}
	add("b")
	var heard [][]string
	needs.Follow(func() { heard = append(heard, needs.Met()) })
	needs.Registered() // something else
	add("a")
	met["b"] = true
	needs.Registered()
	needs.Registered() // nothing new
	met["a"] = true
	needs.Registered()
	if len(heard) != 3 || len(heard[0]) != 0 || !slices.Equal(heard[1], []string{"b"}) || !slices.Equal(heard[2], []string{"a", "b"}) {
		t.Errorf("heard %v", heard)
	}
	if n, ok := needs.Find("a"); !ok || n.Unmet() != nil {
		t.Errorf("found %v, %v", n, ok)
	}
	if _, ok := needs.Find("c"); ok {
		t.Error("found what nobody needs")
	}
}
