package container

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cladgo/clad/internal/standin"
)

// identity is what a service goes by.
type identity struct {
	// id is no other's: "payments.Gateway", "http.Client[stripe]" for one that Fx
	// provides under a name, "jobs.Handler[handlers#2]" for the second that was
	// made of a group.
	id   string
	unit unit
	n    int // of its unit, from 1
}

// keys are those under which a profile may choose for a service, the most exact
// first: of itself, of its unit ("http.Client[]" has no name), of its type.
func (i identity) keys() []string {
	u, suffix, label := i.unit, i.unit.suffix(i.n), i.unit.label()
	exact := []string{u.full + suffix, u.short + suffix, u.full + label, u.short + label}
	if standin.Is(u.name, u.group) {
		return exact // the type alone means what it stands in for
	}
	return append(exact, u.full, u.short)
}

// unit is what a profile chooses for at once: what is provided under one key, all
// of a group together.
type unit struct{ short, full, name, group string }

// label is what tells units of one type apart.
func (u unit) label() string { return "[" + u.name + u.group + "]" }

// suffix tells the n-th service of a unit from all others of its type. Fx makes
// several of one key where modules keep theirs private.
func (u unit) suffix(n int) string {
	var suffix string
	switch {
	case u.group != "":
		return "[" + u.group + "#" + strconv.Itoa(n) + "]"
	case u.name != "":
		suffix = u.label()
	}
	if n > 1 {
		suffix += "#" + strconv.Itoa(n)
	}
	return suffix
}

// services are those that are wrapped.
type services struct {
	all    []*service
	byID   map[string]*service
	number map[unit]int // of units of which there are several
	// meaning is what each key of the profile's that chooses for services means.
	meaning map[string]unit
}

// identify gives a new service its identity.
func (known *services) identify(u unit) identity {
	i := identity{unit: u, n: known.count(u) + 1}
	suffix := u.suffix(i.n)
	i.id = u.short + suffix
	if _, taken := known.byID[i.id]; taken { // by a type of another package
		i.id = u.full + suffix
	}
	return i
}

// count is how many services of a unit are known. Most units have one, which its id
// tells as well as a number of its own would.
func (known *services) count(u unit) int {
	if n := known.number[u]; n > 0 {
		return n
	}
	suffix := u.suffix(1)
	for _, name := range [...]string{u.short, u.full} {
		if s := known.byID[name+suffix]; s != nil && s.unit == u {
			return 1
		}
	}
	return 0
}

func newServices() services {
	return services{byID: make(map[string]*service), number: make(map[unit]int), meaning: make(map[string]unit)}
}

// add makes a service known.
func (known *services) add(s *service) {
	known.all = append(known.all, s)
	known.byID[s.id] = s
	if s.n > 1 {
		known.number[s.unit] = s.n
	}
}

// key returns that under which the profile chooses for a service, if it does.
func (tx *transaction) key(s *service) (string, bool) {
	if len(tx.catalog.Services) == 0 {
		return "", false
	}
	for _, key := range s.keys() {
		if _, ok := tx.catalog.Services[key]; ok {
			return key, true
		}
	}
	return "", false
}

// checkMeaning checks that what the profile chooses for a service is not chosen
// for others as well, which are known by that name too. One that is about to be
// known comes last.
func (tx *transaction) checkMeaning(s *service) error {
	key, ok := tx.key(s)
	if !ok {
		return nil
	}
	if means, ok := tx.meaning[key]; ok && means != s.unit {
		return tx.ambiguous(key, s)
	}
	assign(tx, tx.meaning, key, s.unit)
	return nil
}

func (tx *transaction) ambiguous(key string, s *service) error {
	var short, full []string
	for _, other := range append(slices.Clip(tx.o.services.all), s) {
		if its, ok := tx.key(other); ok && its == key {
			short = append(short, other.unit.short+other.unit.label())
			full = append(full, other.unit.full+other.unit.label())
		}
	}
	candidates := func(names []string) []string { slices.Sort(names); return slices.Compact(names) }
	short, full = candidates(short), candidates(full)
	if len(short) < len(full) {
		return fmt.Errorf("the profile's services: %q may mean %s; write the full import path", key, strings.Join(full, " or "))
	}
	return fmt.Errorf("the profile's services: %q may mean %s; write which", key, strings.Join(short, " or "))
}
