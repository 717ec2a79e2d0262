// Package needs holds what tags need that packages register when they are
// initialised: proxies and wrappers. A tag in a package variable is made before
// that, so it can only note what it needs; its constructor then depends on a
// [Registration] of that name, which is provided once the need is met.
package needs

import (
	"slices"
	"sync"
)

// Module is the name under which a tagged constructor depends on its
// orchestrator. dig prints it where there is none.
const Module = "applications add module.New() for it"

// Registration is what a constructor depends on, by the name of its need. It
// holds nothing: that it is there says that the need is met.
type Registration struct{}

// Need is something that was not there when a tag was made.
type Need struct {
	// Name says what is needed, by which tag. dig prints it where it is
	// missing; it holds no quotes, so that it reads the same in a graph.
	Name string
	// Unmet returns nil once the need is met, else what to do about it.
	Unmet func() error
}

var known struct {
	sync.RWMutex
	byName    map[string]Need
	met       []string // when something was last registered
	followers []func()
}

// Add notes a need. Two of one name are one.
func Add(n Need) {
	known.Lock()
	defer known.Unlock()
	if known.byName == nil {
		known.byName = make(map[string]Need)
	}
	known.byName[n.Name] = n
}

// Find returns the need of a name.
func Find(name string) (Need, bool) {
	known.RLock()
	defer known.RUnlock()
	n, ok := known.byName[name]
	return n, ok
}

// Met lists the names of the needs that are met, sorted.
func Met() []string {
	known.RLock()
	all := make([]Need, 0, len(known.byName))
	for _, n := range known.byName {
		all = append(all, n)
	}
	known.RUnlock()
	var met []string
	for _, n := range all {
		if n.Unmet() == nil {
			met = append(met, n.Name)
		}
	}
	slices.Sort(met)
	return met
}

// Follow calls update now, and whenever another need is met.
func Follow(update func()) {
	update()
	known.Lock()
	defer known.Unlock()
	known.followers = append(known.followers, update)
}

// Registered says that something has been registered, by which needs may be met.
func Registered() {
	known.RLock()
	idle := len(known.byName) == 0 || len(known.followers) == 0
	known.RUnlock()
	if idle {
		return
	}
	met := Met()
	known.Lock()
	changed := !slices.Equal(met, known.met)
	known.met = met
	followers := slices.Clip(known.followers)
	known.Unlock()
	if changed {
		for _, update := range followers {
			update()
		}
	}
}

// Standard says how there comes to be a standard policy.
const Standard = "module.Standard() makes one, and so does standard: true in the profile"
