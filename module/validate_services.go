package module

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/standin"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// unknownService is the mistake of a profile that chooses policies for what no
// tagged constructor provides.
type unknownService struct {
	id    string
	known []string
}

func (e unknownService) Error() string {
	return fmt.Sprintf("clad: the profile's services: %q: nothing that is tagged provides it%s; there are: %s",
		e.id, suggest.DidYouMean(e.id, e.known), suggest.Few(e.known))
}

// ambiguousService is the mistake of a profile that chooses policies for what
// several tagged constructors provide, under different names.
type ambiguousService struct {
	id         string
	candidates []string
}

func (e ambiguousService) Error() string {
	return fmt.Sprintf("clad: the profile's services: %q may mean %s; write which", e.id, strings.Join(e.candidates, " or "))
}

// mistakenServices finds what is wrong with the profile's choices for services, as
// far as it can be told without running a constructor.
func (g graph) mistakenServices(c policy.Catalog) []error {
	services := g.services()
	var known []string
	for _, s := range services {
		known = append(known, s.String())
	}
	slices.Sort(known)
	known = slices.Compact(known)
	var found []error
	for _, id := range slices.Sorted(maps.Keys(c.Services)) {
		var candidates []string
		meant := false
		for _, s := range services {
			meant = meant || s.mayBe(id)
			if s.typ == id && !standin.Is(s.name, s.group) {
				candidates = append(candidates, s.labelled())
			}
		}
		slices.Sort(candidates)
		candidates = slices.Compact(candidates)
		switch {
		case !meant:
			found = append(found, unknownService{id, known})
		case len(candidates) > 1:
			found = append(found, ambiguousService{id, candidates})
		}
	}
	return found
}

// services lists what the profile may choose policies for: what tagged
// constructors provide. A function without a type of its own is called as its
// constructor, and a pointer as what it points to.
func (g graph) services() []provided {
	var all []provided
	for _, c := range g {
		if !c.isTagged() {
			continue
		}
		for _, p := range c.provides {
			if strings.HasPrefix(p.typ, "func(") {
				p.typ = path.Base(c.pkg) + "." + c.name
			}
			p.typ = strings.TrimPrefix(p.typ, "*")
			all = append(all, p)
		}
	}
	return all
}

// labelled is what tells one that is provided from others of its type; in a group,
// all members bear the same.
func (p provided) labelled() string { return p.typ + "[" + p.name + p.group + "]" }

func (p provided) String() string {
	if p.name+p.group == "" {
		return p.typ
	}
	return p.labelled()
}

var number = regexp.MustCompile(`#\d+(\]?)$`)

// mayBe reports whether a profile's service may be this one. The graph has no full
// import paths; where a profile writes one, only the type's name counts, as a
// package may be called otherwise than its directory.
func (p provided) mayBe(id string) bool {
	id = number.ReplaceAllString(id, "$1")
	bare := strings.TrimSuffix(id, "["+p.name+p.group+"]")
	if bare == id && standin.Is(p.name, p.group) {
		return false
	}
	if id = bare; id == p.typ {
		return true
	}
	name := path.Base(id)
	return name != id && strings.HasSuffix(p.typ, name[strings.Index(name, ".")+1:])
}
