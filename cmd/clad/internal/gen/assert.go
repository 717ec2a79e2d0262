package gen

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"
)

// An assertion is a place that asks a value of one interface whether it is
// another type too: v.(T), a case of a type switch, a helper like errors.As.
type assertion struct {
	operand types.Type
	target  types.Type
	pos     token.Position
}

// An other is an interface that values of a tagged one are asserted to, or that
// container.Keep names.
type other struct {
	typ  types.Type
	key  string
	at   []token.Position // of the assertions
	keep bool
}

// assertions finds what values of the wanted interfaces are asserted to, as far as
// types tell, and warns where that is no interface.
func (r *run) assertions(l *loader, b *build, wants []want) {
	if len(wants) == 0 {
		return
	}
	r.progress.stage("looking for type assertions")
	a := &asserts{passed: map[parameter][]types.Type{}}
	for _, p := range l.asserting(b, wants) {
		a.scan(p)
	}
	a.follow()
	places := map[string][]token.Position{} // of each warning
	for i := range wants {
		wants[i].match(a.found, func(at token.Position, warning string) { places[warning] = append(places[warning], at) })
	}
	for warning, at := range places {
		r.result.Warnings = append(r.result.Warnings, strings.Join(some(lines(at)), ", ")+": "+warning)
	}
}

// lines names each line once, in the order in which a reader meets them.
func lines(places []token.Position) []string {
	slices.SortFunc(places, func(a, b token.Position) int {
		return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Line, b.Line))
	})
	names := make([]string, len(places))
	for i, at := range places {
		names[i] = fmt.Sprintf("%s:%d", relative(at.Filename), at.Line)
	}
	return slices.Compact(names)
}

// match adds to w what its interface is asserted to, and warns of what no proxy can
// be.
func (w *want) match(found []assertion, warn func(at token.Position, warning string)) {
	own := methodSetOf(w.typ)
	for _, a := range found {
		operand := methodSetOf(a.operand)
		if len(operand) == 0 || !own.includes(operand) {
			continue
		}
		target := methodSetOf(a.target)
		switch {
		case !types.IsInterface(a.target):
			if target.includes(own) {
				warn(a.pos, fmt.Sprintf(
					"%s is asserted to %s, which its proxy is not: leave that result untagged (policy:\"none\" at the field of an fx.Out struct), assert it to an interface, or assert container.Unwrap of it",
					shortest(w.typ), shortest(a.target)))
			}
		case own.includes(target), own.conflicts(target), isError(a.target):
		default:
			w.other(a.target).at = append(w.other(a.target).at, a.pos)
		}
	}
}

// other is what is known of one other interface.
func (w *want) other(t types.Type) *other {
	key := canonical(t)
	for i := range w.others {
		if w.others[i].key == key {
			return &w.others[i]
		}
	}
	w.others = append(w.others, other{typ: t, key: key})
	return &w.others[len(w.others)-1]
}

// merge joins what is known of others.
func merge(into, others []other) []other {
	w := want{others: slices.Clone(into)}
	for _, o := range others {
		known := w.other(o.typ)
		known.keep = known.keep || o.keep
		for _, at := range o.at {
			if !slices.Contains(known.at, at) {
				known.at = append(known.at, at)
			}
		}
	}
	return w.others
}

// asserts collects assertions. Those of a parameter of no interface in particular
// are of what its callers pass.
type asserts struct {
	found  []assertion
	open   map[parameter][]assertion
	passed map[parameter][]types.Type
}

type parameter struct {
	function string
	index    int
}

func (a *asserts) scan(p *packages.Package) {
	for _, file := range p.Syntax {
		if isTestFile(p.Fset.Position(file.Pos()).Filename) {
			continue
		}
		var params map[types.Object]parameter // of the function at hand
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				params = parametersOf(p, n)
			case *ast.TypeAssertExpr:
				if n.Type != nil {
					a.add(p, params, n.X, p.TypesInfo.TypeOf(n.Type), n)
				}
			case *ast.TypeSwitchStmt:
				a.cases(p, params, n)
			case *ast.CallExpr:
				a.call(p, params, n)
			}
			return true
		})
	}
}

func parametersOf(p *packages.Package, f *ast.FuncDecl) map[types.Object]parameter {
	fn, ok := p.TypesInfo.Defs[f.Name].(*types.Func)
	if !ok {
		return nil
	}
	params := map[types.Object]parameter{}
	for i := range fn.Signature().Params().Len() {
		params[fn.Signature().Params().At(i)] = parameter{fn.FullName(), i}
	}
	return params
}

// add notes that x is asserted to a type.
func (a *asserts) add(p *packages.Package, params map[types.Object]parameter, x ast.Expr, target types.Type, at ast.Node) {
	operand := p.TypesInfo.TypeOf(x)
	if operand == nil || target == nil || !types.IsInterface(operand) || isError(operand) || unwraps(p, x) {
		return // an error is a result, and no proxy of a dependency
	}
	if _, isParam := types.Unalias(operand).(*types.TypeParam); isParam {
		return
	}
	if firstTypeParam(target) != nil || target == types.Typ[types.Invalid] {
		return
	}
	found := assertion{operand, target, position(p, at)}
	if operand.Underlying().(*types.Interface).NumMethods() > 0 {
		a.found = append(a.found, found)
		return
	}
	if param, ok := params[used(p, x)]; ok {
		if a.open == nil {
			a.open = map[parameter][]assertion{}
		}
		a.open[param] = append(a.open[param], found)
	}
}

// unwraps reports whether x is what container.Unwrap returns: no proxy any more.
func unwraps(p *packages.Package, x ast.Expr) bool {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return false
	}
	fn := typeutil.StaticCallee(p.TypesInfo, call)
	return fn != nil && fn.Origin().FullName() == unwrapFunc
}

func (a *asserts) cases(p *packages.Package, params map[types.Object]parameter, s *ast.TypeSwitchStmt) {
	var x ast.Expr
	switch assign := s.Assign.(type) {
	case *ast.ExprStmt:
		x = assign.X
	case *ast.AssignStmt:
		x = assign.Rhs[0]
	}
	assert, ok := ast.Unparen(x).(*ast.TypeAssertExpr)
	if !ok {
		return
	}
	for _, clause := range s.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			if t := p.TypesInfo.TypeOf(e); t != types.Typ[types.UntypedNil] {
				a.add(p, params, assert.X, t, e)
			}
		}
	}
}

// call looks for helpers like errors.As, As(v, &target) or As[T](v), and notes what
// is passed as a parameter of no interface in particular.
func (a *asserts) call(p *packages.Package, params map[types.Object]parameter, call *ast.CallExpr) {
	fn, ok := typeutil.Callee(p.TypesInfo, call).(*types.Func)
	if !ok {
		return
	}
	for i, arg := range call.Args {
		t := p.TypesInfo.TypeOf(arg)
		if t == nil || !types.IsInterface(t) || i >= fn.Signature().Params().Len() {
			continue
		}
		if param := fn.Origin().Signature().Params().At(i).Type(); isEmptyInterface(param) && !isEmptyInterface(t) {
			key := parameter{fn.Origin().FullName(), i}
			a.passed[key] = append(a.passed[key], t)
		}
	}
	if !strings.HasPrefix(fn.Name(), "As") || len(call.Args) == 0 {
		return
	}
	for _, arg := range call.Args[1:] {
		if ptr, ok := p.TypesInfo.TypeOf(arg).(*types.Pointer); ok {
			a.add(p, params, call.Args[0], ptr.Elem(), call)
		}
	}
	if id := identOf(call.Fun); id != nil {
		if args := p.TypesInfo.Instances[id].TypeArgs; args.Len() > 0 {
			a.add(p, params, call.Args[0], args.At(0), call)
		}
	}
}

func isEmptyInterface(t types.Type) bool {
	iface, ok := t.Underlying().(*types.Interface)
	return ok && iface.NumMethods() == 0 && iface.IsMethodSet()
}

// identOf is the identifier that names what is called.
func identOf(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return identOf(e.X)
	case *ast.IndexListExpr:
		return identOf(e.X)
	}
	return nil
}

// follow turns assertions of parameters into those of what is passed.
func (a *asserts) follow() {
	for param, list := range a.open {
		for _, t := range a.passed[param] {
			for _, found := range list {
				found.operand = t
				a.found = append(a.found, found)
			}
		}
	}
}
