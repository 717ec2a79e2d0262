package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/internal/suggest"
)

// services checks the choices of a profile against the services that the code
// tags: one that is not there, or a method that it does not have, is misspelt.
func (c *checker) services(p soundProfile, code *usage.Code) {
	for _, name := range slices.Sorted(maps.Keys(p.catalog.Services)) {
		origin, _ := p.loaded.Origin("services", name)
		path := []string{"services", name}
		tagged := servicesNamed(name, code.Services)
		if len(tagged) == 0 {
			c.add(unprovided(origin, path, name, code), p.Name)
			continue
		}
		if other := tagged[len(tagged)-1]; other.Full != tagged[0].Full {
			c.add(atSetting(origin, path, "means both %s and %s; write the full import path", tagged[0].FullID(), other.FullID()), p.Name)
			continue
		}
		if ids := labelled(tagged); len(ids) > 1 {
			c.add(atSetting(origin, path, "may mean %s; write which", strings.Join(ids, " or ")), p.Name)
			continue
		}
		for _, method := range slices.Sorted(maps.Keys(p.catalog.Services[name].Methods)) {
			if tagged[0].Methods == nil || tagged[0].HasMethod(method) {
				continue
			}
			origin, _ := p.loaded.Origin("services", name, "methods", method)
			c.add(atSetting(origin, append(path, "methods", method), "%s has no such method%s", tagged[0].ID(), suggest.Among(method, tagged[0].MethodNames())), p.Name)
		}
	}
}

// unprovided is the finding that nothing provides a service. It is a note where
// the service may be one that can't be told, and nothing is named alike.
func unprovided(origin config.Origin, path []string, name string, code *usage.Code) Finding {
	known := serviceNames(name, code.Services)
	hint := suggest.DidYouMean(name, known)
	f := atSetting(origin, path, "no tagged constructor in these packages provides it")
	f.Note = hint == "" && len(code.Unchecked) > 0
	if hint == "" {
		hint = "; there are: " + suggest.Few(known)
	}
	f.Problem += hint
	return f
}

// servicesNamed finds the services of the code that go by a name: those that it means to
// the letter, else those of its type, in the order of their full names.
func servicesNamed(name string, all []usage.Service) []usage.Service {
	name = usage.Unnumbered(name)
	var found []usage.Service
	most := 0
	for _, s := range all {
		at := slices.Index(s.Keys(), name)
		switch {
		case at < 0:
		case len(found) == 0 || at < most:
			found, most = []usage.Service{s}, at
		case at == most:
			found = append(found, s)
		}
	}
	return found
}

// labelled lists what tells services of one type apart, one of each.
func labelled(services []usage.Service) []string {
	var ids []string
	for _, s := range services {
		ids = append(ids, s.Type+s.Label())
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// serviceNames lists the services of the code, as far as name has it in full.
func serviceNames(name string, all []usage.Service) []string {
	var known []string
	for _, s := range all {
		if strings.Contains(name, "/") {
			known = append(known, s.FullID())
		} else {
			known = append(known, s.ID())
		}
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// unused notes, once each, the policies that nothing names in any profile.
func (c *checker) unused(sound []soundProfile, code *usage.Code) {
	first := map[string]Finding{}
	used := map[string]bool{}
	for _, p := range sound {
		uses := p.uses(code)
		for _, name := range p.policies() {
			used[name] = used[name] || uses[name]
			if _, ok := first[name]; !ok {
				origin, _ := p.loaded.Origin("policies", name)
				first[name] = atSetting(origin, []string{"policies", name}, "nobody uses it: no code of these packages, and no service of a profile")
			}
		}
	}
	for name, f := range first {
		if !used[name] {
			f.Note = true
			c.add(f, "")
		}
	}
}

// uses are the policies that something names: code, a service of the profile, or
// a policy that is used and extends it.
func (p soundProfile) uses(code *usage.Code) map[string]bool {
	used := map[string]bool{}
	use := func(name string) {
		for name != "" && !used[name] {
			used[name] = true
			parent := p.loaded.Settings("policies", name, "extends")
			name = ""
			if len(parent) > 0 {
				name = parent[0].String()
			}
		}
	}
	for _, u := range code.Uses {
		use(u.Policy)
	}
	for _, s := range p.catalog.Services {
		use(s.Policy)
		for _, name := range s.Methods {
			use(name)
		}
	}
	return used
}
