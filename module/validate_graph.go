package module

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// graph is what Fx's graph of an application, in the DOT language, tells of its
// constructors. It is all that there is to know without running them.
type graph []*node

type node struct {
	pkg, name string
	provides  []provided
	policies  []string // the named pipelines that it depends on
	need      string   // what was not registered yet when it was tagged
	tagged    bool     // it depends on the orchestrator as tagged ones do
}

// provided is what a constructor provides.
type provided struct {
	typ         string // with its package's name: "payments.Gateway"
	name, group string
}

// The versions of dig indent the same lines differently.
var (
	dotCluster    = regexp.MustCompile(`(?ms)^\s*subgraph cluster_(\d+) \{\n(.*?)^\s*\}$`)
	dotPackage    = regexp.MustCompile(`^\s*label = "(.*)";\n`)
	dotName       = regexp.MustCompile(`constructor_\d+ \[shape=plaintext label="(.*)"\]`)
	dotResult     = regexp.MustCompile(`(?m)^\s*".*" \[label=<(.*?)(?:<BR /><FONT POINT-SIZE="?10"?>(?:Name: (.*?)|Group: (.*?))</FONT>)?>\];$`)
	dotDependency = regexp.MustCompile(`(?m)^\s*constructor_(\d+) -> "(.*)" \[ltail=`)

	dotPipeline     = dotNamed[*container.Pipeline]()
	dotNeed         = dotNamed[*needs.Registration]()
	dotOrchestrator = fmt.Sprintf("%v[name=%s]", reflect.TypeFor[*container.Orchestrator](), needs.Module)
)

func dotNamed[T any]() *regexp.Regexp {
	return regexp.MustCompile(`^` + regexp.QuoteMeta(reflect.TypeFor[T]().String()) + `\[name=(.*)\]$`)
}

func graphOf(dot fx.DotGraph) graph {
	var g graph
	byNumber := make(map[string]*node)
	for _, cluster := range dotCluster.FindAllStringSubmatch(string(dot), -1) {
		c := &node{pkg: submatch(dotPackage, cluster[2]), name: submatch(dotName, cluster[2])}
		for _, result := range dotResult.FindAllStringSubmatch(cluster[2], -1) {
			c.provides = append(c.provides, provided{result[1], result[2], result[3]})
		}
		byNumber[cluster[1]] = c
		g = append(g, c)
	}
	for _, arrow := range dotDependency.FindAllStringSubmatch(string(dot), -1) {
		c, on := byNumber[arrow[1]], arrow[2]
		if c == nil {
			continue
		}
		c.tagged = c.tagged || on == dotOrchestrator
		if need := submatch(dotNeed, on); need != "" {
			c.need = need
		}
		if policyName := submatch(dotPipeline, on); policyName != "" {
			c.policies = append(c.policies, policyName)
		}
	}
	return g
}

func submatch(r *regexp.Regexp, s string) string {
	if m := r.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// unknownPolicy is the mistake of a tag with a name that is no policy's.
type unknownPolicy struct {
	constructor *node
	policy      string
	known       []string
}

func (e unknownPolicy) Error() string {
	if e.policy == policy.StandardName {
		return fmt.Sprintf("clad: %q.%s is tagged with no policy of its own, and there is no standard one: %s; there are: %s",
			e.constructor.pkg, e.constructor.name, needs.Standard, suggest.Few(e.known))
	}
	return fmt.Sprintf("clad: %q.%s is tagged %q, but there is no such policy%s; there are: %s",
		e.constructor.pkg, e.constructor.name, e.policy, suggest.DidYouMean(e.policy, e.known), suggest.Few(e.known))
}

// missing is how dig prints what is missing because of it.
func (e unknownPolicy) missing() string { return missing[*container.Pipeline](e.policy) }

func missing[T any](name string) string {
	return fmt.Sprintf("%v[name=%q]", reflect.TypeFor[T](), name)
}

// unmetNeed is the mistake of a tag that needs what nothing registers.
type unmetNeed struct {
	name string
	err  error
}

func (e unmetNeed) Error() string   { return "clad: " + e.err.Error() }
func (e unmetNeed) Unwrap() error   { return e.err }
func (e unmetNeed) missing() string { return missing[*needs.Registration](e.name) }

func (g graph) unmetNeeds() []unmetNeed {
	var found []unmetNeed
	seen := make(map[string]bool)
	for _, c := range g {
		need, ok := needs.Find(c.need)
		if !ok || seen[c.need] {
			continue
		}
		seen[c.need] = true
		if err := need.Unmet(); err != nil {
			found = append(found, unmetNeed{c.need, err})
		}
	}
	return found
}

func (g graph) unknownPolicies(c policy.Catalog) []unknownPolicy {
	known := slices.Sorted(maps.Keys(c.Policies))
	var found []unknownPolicy
	for _, constructor := range g {
		for _, name := range constructor.policies {
			if _, ok := c.Policies[name]; !ok {
				found = append(found, unknownPolicy{constructor, name, known})
			}
		}
	}
	return found
}

// isTagged reports whether a constructor is a tagged one of the application.
func (c *node) isTagged() bool {
	return c.tagged && c.pkg != ownPackage && c.pkg != containerPackage
}

var (
	ownPackage       = reflect.TypeFor[blueprint]().PkgPath()
	containerPackage = reflect.TypeFor[container.Pipeline]().PkgPath()
)

// asErrors is a slice of errors of one type as a slice of errors.
func asErrors[E error](of []E) []error {
	errs := make([]error, len(of))
	for i, err := range of {
		errs[i] = err
	}
	return errs
}
