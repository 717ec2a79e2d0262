// Package usage finds where Go code names policies: in container.Tag and its
// options, in the tags of result structs, and where it asks for a pipeline by
// its name. It needs neither profiles nor a running program, only types.
package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/standin"
	"golang.org/x/tools/go/packages"
)

// Options say which code to read.
type Options struct {
	Dir      string   // where patterns are looked up; "" is the current folder
	Patterns []string // packages, as for the go command
	Tags     string   // build tags, separated by commas
}

// Code is what packages say of policies.
type Code struct {
	Packages  int       // that were read
	Uses      []Use     // names of policies, by their places
	Unchecked []Unknown // what may name a policy, but not in a way that can be told
	Services  []Service // what tagged constructors provide
	Broken    []Problem // what keeps packages from being read in full
	Errors    Errors
	Standard  bool // module.Standard is called: there is a policy of that name
}

// Errors are the names that WithErrors gives to errors.
type Errors struct {
	Names   []string
	Unknown bool // some names can't be told
}

// A Use is the name of a policy in the code.
type Use struct {
	Policy string
	By     string // container.Tag(stripe.NewGateway), field Refunds, ...
	At     token.Position
}

// An Unknown is what may name a policy, and why it can't be told which.
type Unknown struct {
	What string
	At   token.Position
}

// A Problem keeps a package from being read in full.
type Problem struct {
	Message string
	At      token.Position // may be nowhere
}

// String returns "file:line:column: message".
func (p Problem) String() string {
	if !p.At.IsValid() {
		return p.Message
	}
	return p.At.String() + ": " + p.Message
}

// A Service is one type that a tagged constructor provides.
type Service struct {
	Type    string // payments.Gateway, as in profiles and operations
	Full    string // example.com/shop/payments.Gateway
	Name    string // under which it is provided
	Group   string // in which it is
	Policy  string // of the tag; "" where that can't be told
	At      token.Position
	Chosen  map[string]Use // by method, in code
	Methods []Method       // nil where they can't be told
	Paths   bool           // its calls go by paths as well, /shop.Orders/Get
	Errors  ServiceErrors
	// Fallbacks are what is asked when it is unavailable.
	Fallbacks []Fallback
}

// Fallback is what container.Fallback makes, or the function of a FallbackMethod.
type Fallback struct {
	Said
	Method string // "" for those of all methods
}

// ServiceErrors are what a tag, and the code behind it, tell of a service's errors.
type ServiceErrors struct {
	Answers []Said               // of container.Answers
	Judges  []Said               // of container.Judge
	Clients map[string][]*Client // whose errors its methods may return; "" of one that is a function
	Settled map[*Client]bool     // those of whose own attempts the code says something
}

// Said is an expression in the code.
type Said struct {
	Text string
	At   token.Position
}

// ID is what the service goes by: "payments.Gateway", "payments.Gateway[stripe]"
// under a name, "jobs.Handler[handlers]" for all of a group.
func (s Service) ID() string { return s.labelled(s.Type) }

// FullID is ID with the import path.
func (s Service) FullID() string { return s.labelled(s.Full) }

func (s Service) labelled(id string) string {
	if s.Name+s.Group == "" {
		return id
	}
	return id + s.Label()
}

// Label is what tells the service from others of its type, in a profile that says
// which; "[]" where it has neither name nor group.
func (s Service) Label() string { return "[" + s.Name + s.Group + "]" }

// Keys are those under which a profile may choose for the service, the most exact
// first.
func (s Service) Keys() []string {
	exact := []string{s.Full + s.Label(), s.Type + s.Label()}
	if standin.Is(s.Name, s.Group) {
		return exact // the type alone means what it stands in for
	}
	return append(exact, s.Full, s.Type)
}

var number = regexp.MustCompile(`#[1-9]\d*(\]?)$`)

// Unnumbered returns a profile's key without the number of one of a group, or of one
// key: which that is, only a run tells.
func Unnumbered(key string) string { return number.ReplaceAllString(key, "$1") }

// HasMethod reports whether a policy can be chosen for a method.
func (s Service) HasMethod(name string) bool {
	return s.Paths && strings.HasPrefix(name, "/") || slices.ContainsFunc(s.Methods, func(m Method) bool { return m.Name == name })
}

// MethodNames lists the methods.
func (s Service) MethodNames() []string {
	names := make([]string, len(s.Methods))
	for i, m := range s.Methods {
		names[i] = m.Name
	}
	return names
}

// Find reads packages. The error says that there is nothing to read; packages
// that have errors of their own are read as far as they go.
func Find(ctx context.Context, o Options) (*Code, error) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedModule | packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo,
		Context:    ctx,
		Dir:        o.Dir,
		BuildFlags: []string{"-tags=" + o.Tags},
	}, o.Patterns...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(o.Patterns, " "), err)
	}
	if len(pkgs) == 0 {
		return nil, fmt.Errorf("%s matches no packages", strings.Join(o.Patterns, " "))
	}
	f := &finder{Code: &Code{}, guards: map[string]map[string]Method{}, reach: newReach(pkgs)}
	for _, p := range pkgs {
		f.Broken = append(f.Broken, problems(p)...)
		if len(p.Syntax) > 0 {
			f.Packages++
			f.registrations(p)
		}
	}
	if f.Packages == 0 && len(f.Broken) > 0 {
		return nil, errors.New(f.Broken[0].Message)
	}
	for _, p := range pkgs {
		f.calls(p)
		f.structs(p)
	}
	f.sort()
	return f.Code, nil
}

func (c *Code) sort() {
	slices.SortStableFunc(c.Uses, func(a, b Use) int { return byPlace(a.At, b.At) })
	slices.SortStableFunc(c.Unchecked, func(a, b Unknown) int { return byPlace(a.At, b.At) })
	slices.SortStableFunc(c.Broken, func(a, b Problem) int { return byPlace(a.At, b.At) })
	slices.SortStableFunc(c.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.Full, b.Full), byPlace(a.At, b.At))
	})
}

func byPlace(a, b token.Position) int {
	return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// problems are the errors of a package. Those without a place sum up the others.
func problems(p *packages.Package) []Problem {
	var located, all []Problem
	for _, e := range p.Errors {
		found := problem(e)
		all = append(all, found)
		if found.At.IsValid() {
			located = append(located, found)
		}
	}
	if len(located) > 0 {
		return located
	}
	return all
}

// problem turns the loader's kind of error into ours.
func problem(e packages.Error) Problem {
	p := Problem{Message: e.Msg}
	var line, column int
	if i := strings.LastIndex(e.Pos, ".go:"); i >= 0 {
		if n, _ := fmt.Sscanf(e.Pos[i+len(".go:"):], "%d:%d", &line, &column); n > 0 {
			p.At = token.Position{Filename: relative(e.Pos[:i+len(".go")]), Line: line, Column: max(column, 1)}
		}
	}
	return p
}

// relative is the name of a file as seen from here.
func relative(name string) string {
	wd, err := os.Getwd()
	if err != nil {
		return name
	}
	if rel, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return name
}
