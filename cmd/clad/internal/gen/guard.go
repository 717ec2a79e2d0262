package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A guard is how calls of a method are treated.
type guard int

const (
	guarded   guard = iota
	optional        // passed through, unless a policy is chosen for the method itself
	unguarded       // passed through always: there is no error to see or to return
)

// A method of an interface, and what its proxy does.
type method struct {
	fn      *types.Func
	name    string
	sig     *types.Signature
	guard   guard
	why     string // the reason of optional and unguarded
	once    string // why it is not attempted again, if so
	single  string // why it is not, whatever is chosen
	safe    bool   // to repeat
	key     *key   // nil for none
	context carrier
	report  report
	row     string // the type of the rows that it returns, with byRow
	input   input
	outlive outlive
	offered bool // beyond the interface
	doc     []string
}

// methodsOf decides for every method of an interface. It also returns what is
// wrong with the comments that it obeys.
func methodsOf(typ types.Type, args map[*types.TypeParam][]types.Type, src *sources) ([]method, []error) {
	iface := typ.Underlying().(*types.Interface)
	comments, errs := src.comments(typ, iface)
	var methods []method
	for fn := range iface.Methods() {
		m := method{fn: fn, name: fn.Name(), sig: fn.Signature(), doc: comments[fn.Id()].doc}
		m.context, m.report = contextOf(m.sig), reportOf(m.sig)
		m.input = (&inputs{args: args, standard: src.b.isStandard}).of(m.sig, m.context)
		m.decide(comments[fn.Id()])
		if c := comments[fn.Id()]; c.key != "" {
			var wrong string
			if m.key, wrong = m.keyOf(c); wrong != "" {
				errs = append(errs, &Problem{c.keyAt, wrong})
			}
		}
		if m.guard != unguarded && m.report == byError {
			m.outlive = outliveOf(m.sig.Results(), args)
			if l := m.outlive.life; comments[fn.Id()].bounded && (l == open || l == held) {
				m.outlive.life = cursor
			}
		}
		methods = append(methods, m)
	}
	return methods, errs
}

func (m *method) decide(c comment) {
	switch why := unguardable(m.sig); {
	case why != "":
		m.guard, m.why = unguarded, why
		return
	case c.skip:
		m.guard, m.why = optional, "//clad:skip"
	case closes(m.name, m.sig):
		m.guard, m.why = optional, "it ends the dependency's life"
	}
	switch m.safe = c.safe; {
	case c.once:
		m.once = "//clad:once"
	case takesRequest(m.sig) && !m.safe:
		m.once = "a request may not be safe to repeat"
	}
	m.single = m.input.single
	if m.single == "" && !m.safe {
		m.single = m.input.replays
	}
	if m.single != "" {
		m.input = input{request: m.input.request}
	}
}

// unguardable returns why a method's failures can't be seen, or "".
func unguardable(sig *types.Signature) string {
	if reportOf(sig) != byNothing {
		return ""
	}
	for v := range sig.Results().Variables() {
		if isError(v.Type()) {
			return "its error is not the last result"
		}
	}
	return "it returns no error"
}

// A carrier is the parameter that carries a method's context.
type carrier struct {
	param int // or -1
	kind  carrierKind
}

type carrierKind int

const (
	standardContext carrierKind = iota // a context.Context, replaced by that of the attempt
	requestContext                     // an *http.Request, replaced by one with the attempt's context
	customContext                      // an interface of its own that is a context too: seen, not replaced
)

// contextOf finds the first parameter that is a context, or else carries one.
func contextOf(sig *types.Signature) carrier {
	for kind, carries := range []func(types.Type) bool{isContext, isRequest, isOtherContext} {
		for i := range sig.Params().Len() {
			if carries(sig.Params().At(i).Type()) {
				return carrier{i, carrierKind(kind)}
			}
		}
	}
	return carrier{param: -1}
}

// enforces reports whether the dependency gets the deadlines of a policy.
func (c carrier) enforces() bool { return c.param >= 0 && c.kind != customContext }

// isOtherContext reports whether t is an interface with the methods of
// context.Context.
func isOtherContext(t types.Type) bool {
	iface, ok := t.Underlying().(*types.Interface)
	if !ok || !iface.IsMethodSet() {
		return false
	}
	found := 0
	for m := range iface.Methods() {
		var want *types.Signature
		switch m.Name() {
		case "Deadline":
			r := m.Signature().Results()
			if r.Len() != 2 || !isNamed(r.At(0).Type(), "time.Time") {
				return false
			}
			want = signature(nil, []types.Type{r.At(0).Type(), types.Typ[types.Bool]})
		case "Done":
			want = signature(nil, []types.Type{types.NewChan(types.RecvOnly, types.NewStruct(nil, nil))})
		case "Err":
			want = signature(nil, []types.Type{errorType})
		case "Value":
			want = signature([]types.Type{anyType}, []types.Type{anyType})
		default:
			continue
		}
		if !types.Identical(m.Signature(), want) {
			return false
		}
		found++
	}
	return found == 4
}

var (
	errorType = types.Universe.Lookup("error").Type()
	anyType   = types.Universe.Lookup("any").Type()
	// readSig is the method of io.Reader.
	readSig = signature([]types.Type{types.NewSlice(types.Typ[types.Byte])}, []types.Type{types.Typ[types.Int], errorType})
)

// signature makes one of types alone, to compare others with.
func signature(params, results []types.Type) *types.Signature {
	tuple := func(list []types.Type) *types.Tuple {
		vars := make([]*types.Var, len(list))
		for i, t := range list {
			vars[i] = types.NewParam(token.NoPos, nil, "", t)
		}
		return types.NewTuple(vars...)
	}
	return types.NewSignatureType(nil, nil, nil, tuple(params), tuple(results), false)
}

func isRequest(t types.Type) bool {
	ptr, ok := types.Unalias(t).(*types.Pointer)
	return ok && isNamed(ptr.Elem(), "net/http.Request")
}

// takesRequest reports whether a method has a request among its parameters.
func takesRequest(sig *types.Signature) bool {
	for param := range sig.Params().Variables() {
		if isRequest(param.Type()) {
			return true
		}
	}
	return false
}

// closes reports whether a method is like io.Closer's: Close, Shutdown or Stop,
// with nothing but contexts as parameters and nothing but an error as result.
func closes(name string, sig *types.Signature) bool {
	if !slices.Contains([]string{"Close", "Shutdown", "Stop"}, name) || sig.Results().Len() > 1 {
		return false
	}
	for param := range sig.Params().Variables() {
		if !isContext(param.Type()) {
			return false
		}
	}
	return true
}

func shortest(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}

// describe says in a few words how the method is guarded, for the file's head.
func (m *method) describe() string {
	var text string
	switch {
	case m.guard == unguarded:
		return "passed through: " + m.why
	case m.guard == optional:
		text = "passed through unless a policy is chosen for it: " + m.why
	case m.single != "":
		text = "guarded, one attempt: " + m.single
	case m.once != "":
		text = "guarded, once: " + m.once
	case m.hedges():
		text = "guarded, safe to repeat, also twice at once"
	case m.safe:
		text = "guarded, safe to repeat"
	default:
		text = "guarded"
	}
	text += m.describeReport()
	if again := m.input.describe(m.sig); again != "" && m.single == "" {
		text += "; " + again
	}
	switch {
	case m.guard == optional:
	case m.context.param < 0:
		text += "; no timeout can be enforced: it takes no context"
	case m.context.kind == customContext:
		text += "; no timeout can be enforced: its context has a type of its own"
	case m.context.kind == requestContext:
		text += "; the context is the request's"
	}
	if m.keeps() {
		text += "; reads"
	}
	if m.key != nil {
		text += "; a partition for each " + m.key.name
	}
	if m.outlive.what != "" && (m.context.enforces() || m.outlive.life >= body) {
		text += "; " + m.outlive.describe()
	}
	return text
}

// warnings are what the user should know of a proxy without reading it.
func (p *proxy) warnings() []string {
	var without []string
	for _, m := range p.methods {
		if m.guard == guarded && !m.context.enforces() {
			without = append(without, m.name)
		}
	}
	name := shortest(p.typ)
	if p.generic != nil { // without its type parameters
		name = packageOf(p.typ).Name() + "." + p.base
	}
	warnings := p.offers.warnings(name)
	if count := p.count(); count != "" {
		warnings = append(warnings, name+": "+count+"; the head of the file says why")
	}
	if len(without) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: no timeout can be enforced on %s, for lack of a context", name, strings.Join(some(without), ", ")))
	}
	return warnings
}

// count says how many methods can be guarded, if not all: "11 of 632 methods
// guarded".
func (p *proxy) count() string {
	n := 0
	for _, m := range p.methods {
		if m.guard == unguarded {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case len(p.methods):
		return "none of its methods can be guarded"
	}
	return fmt.Sprintf("%d of %d methods can be guarded", len(p.methods)-n, len(p.methods))
}
