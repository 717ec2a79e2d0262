package gen

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"
)

// A value is an expression and where it stands.
type value struct {
	pkg    *packages.Package
	expr   ast.Expr
	result int // which result of a call that has several
	depth  int // 0: the expression itself; n: the elements of it, n levels down
}

// An instance is the type argument that a type parameter gets at one place.
type instance struct {
	pkg *packages.Package
	at  ast.Node
	typ types.Type
}

// An index knows, for all packages read from source and whatever the flow, which
// values a variable, a field, a parameter or a result is ever given.
type index struct {
	b         *build
	assigned  map[types.Object][]value
	elements  map[types.Object][]value // stored in a slice, array or map
	returned  map[any][][]value        // *types.Func or *ast.FuncLit -> by result
	instances map[*types.TypeParam][]instance
	receivers map[*types.TypeParam]*types.TypeParam // of a method -> of its type

	registered map[string]token.Position // types with a proxy written by hand -> where
}

func newIndex(b *build) *index {
	x := &index{
		b:         b,
		assigned:  map[types.Object][]value{},
		elements:  map[types.Object][]value{},
		returned:  map[any][][]value{},
		instances: map[*types.TypeParam][]instance{},
		receivers: map[*types.TypeParam]*types.TypeParam{},

		registered: map[string]token.Position{},
	}
	x.eachFile(x.assignments)
	x.eachFile(x.arguments) // knows by now what function a variable holds
	for _, p := range b.pkgs {
		if p.TypesInfo != nil {
			x.typeArguments(p)
		}
	}
	return x
}

func (x *index) eachFile(visit func(*packages.Package, *ast.File)) {
	for _, p := range x.b.pkgs {
		for _, file := range p.Syntax {
			visit(p, file)
		}
	}
}

func (x *index) assignments(p *packages.Package, file *ast.File) {
	var enclosing []ast.Node // the functions around the node, innermost last
	ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			x.assignAll(p, n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			lhs := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				lhs[i] = name
			}
			x.assignAll(p, lhs, n.Values)
		case *ast.RangeStmt:
			if n.Value != nil {
				x.assign(p, n.Value, value{pkg: p, expr: n.X, depth: 1})
			}
		case *ast.CompositeLit:
			x.literal(p, n)
		case *ast.ReturnStmt:
			enclosing = functionsAround(enclosing[:0], stack)
			if len(enclosing) > 0 {
				x.returns(p, enclosing[len(enclosing)-1], n)
			}
		}
		return true
	})
}

func functionsAround(found []ast.Node, stack []ast.Node) []ast.Node {
	for _, n := range stack {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			found = append(found, n)
		}
	}
	return found
}

func (x *index) assignAll(p *packages.Package, lhs, rhs []ast.Expr) {
	for i, l := range lhs {
		switch {
		case len(lhs) == len(rhs):
			x.assign(p, l, value{pkg: p, expr: rhs[i]})
		case len(rhs) == 1:
			x.assign(p, l, value{pkg: p, expr: rhs[0], result: i})
		}
	}
}

func (x *index) assign(p *packages.Package, lhs ast.Expr, v value) {
	switch lhs := ast.Unparen(lhs).(type) {
	case *ast.IndexExpr:
		if obj := variable(p, lhs.X); obj != nil {
			x.elements[obj] = append(x.elements[obj], v)
		}
	default:
		if obj := variable(p, lhs); obj != nil {
			x.assigned[obj] = append(x.assigned[obj], v)
		}
	}
}

// literal notes the fields of a struct literal.
func (x *index) literal(p *packages.Package, lit *ast.CompositeLit) {
	t := p.TypesInfo.TypeOf(lit)
	if t == nil {
		return
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok { // &T elided in a literal of []*T
		t = ptr.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok {
			x.assign(p, kv.Key, value{pkg: p, expr: kv.Value})
		} else if i < s.NumFields() {
			field := s.Field(i).Origin()
			x.assigned[field] = append(x.assigned[field], value{pkg: p, expr: element})
		}
	}
}

func (x *index) returns(p *packages.Package, function ast.Node, ret *ast.ReturnStmt) {
	var key any = function
	declared := (*ast.FieldList)(nil)
	switch f := function.(type) {
	case *ast.FuncDecl:
		fn, ok := p.TypesInfo.Defs[f.Name].(*types.Func)
		if !ok {
			return
		}
		key, declared = fn, f.Type.Results
	case *ast.FuncLit:
		declared = f.Type.Results
	}
	if declared == nil {
		return
	}
	n := declared.NumFields()
	results := x.returned[key]
	if results == nil {
		results = make([][]value, n)
		x.returned[key] = results
	}
	switch {
	case len(ret.Results) == n:
		for i, e := range ret.Results {
			results[i] = append(results[i], value{pkg: p, expr: e})
		}
	case len(ret.Results) == 1:
		for i := range n {
			results[i] = append(results[i], value{pkg: p, expr: ret.Results[0], result: i})
		}
	default: // a bare return: whatever the named results hold
		i := 0
		for _, field := range declared.List {
			for _, name := range field.Names {
				results[i] = append(results[i], value{pkg: p, expr: name})
				i++
			}
		}
	}
}

// arguments notes what calls pass to parameters.
func (x *index) arguments(p *packages.Package, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		for _, callee := range x.callees(p, call) {
			x.bind(p, callee, call)
		}
		return true
	})
}

func (x *index) bind(p *packages.Package, callee callee, call *ast.CallExpr) {
	sig := callee.signature()
	if sig == nil {
		return
	}
	params := sig.Params()
	for i := range call.Args {
		v := value{pkg: p, expr: call.Args[i]}
		last := params.Len() - 1
		switch {
		case last < 0:
		case sig.Variadic() && i >= last && !call.Ellipsis.IsValid():
			x.elements[params.At(last)] = append(x.elements[params.At(last)], v)
		case i <= last:
			x.assigned[params.At(i)] = append(x.assigned[params.At(i)], v)
		}
	}
	if len(call.Args) == 1 && params.Len() > 1 && !sig.Variadic() { // f(g())
		for i := 1; i < params.Len(); i++ {
			v := value{pkg: p, expr: call.Args[0], result: i}
			x.assigned[params.At(i)] = append(x.assigned[params.At(i)], v)
		}
	}
}

// typeArguments notes what type parameters stand for.
func (x *index) typeArguments(p *packages.Package) {
	instances := p.TypesInfo.Instances
	byPlace := func(a, b *ast.Ident) int { return cmp.Compare(a.Pos(), b.Pos()) }
	for _, id := range slices.SortedFunc(maps.Keys(instances), byPlace) { // so that the same are left out each time
		inst := instances[id]
		var params *types.TypeParamList
		switch obj := p.TypesInfo.Uses[id].(type) {
		case *types.Func:
			params = obj.Origin().Signature().TypeParams()
			if name := obj.Origin().FullName(); name == registerProxyFunc || name == registerWithFunc || name == registerWrapperFunc {
				x.registered[keyOf(inst.TypeArgs.At(0))] = position(p, id)
			}
		case *types.TypeName:
			if named, ok := types.Unalias(obj.Type()).(*types.Named); ok {
				params = named.Origin().TypeParams()
			}
		}
		for i := range min(params.Len(), inst.TypeArgs.Len()) {
			param := params.At(i)
			x.instances[param] = append(x.instances[param], instance{p, id, inst.TypeArgs.At(i)})
		}
	}
	for _, obj := range p.TypesInfo.Defs {
		fn, ok := obj.(*types.Func)
		if !ok || fn.Signature().RecvTypeParams().Len() == 0 {
			continue
		}
		t := fn.Signature().Recv().Type()
		if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
			t = ptr.Elem()
		}
		if named, ok := types.Unalias(t).(*types.Named); ok {
			for i := range fn.Signature().RecvTypeParams().Len() {
				x.receivers[fn.Signature().RecvTypeParams().At(i)] = named.Origin().TypeParams().At(i)
			}
		}
	}
}

// A callee is a function that a call may call: declared, or a literal.
type callee struct {
	fn  *types.Func
	pkg *packages.Package
	lit *ast.FuncLit
}

func (c callee) signature() *types.Signature {
	if c.fn != nil {
		return c.fn.Signature()
	}
	sig, _ := c.pkg.TypesInfo.TypeOf(c.lit).(*types.Signature)
	return sig
}

func (c callee) is(fullName string) bool { return c.fn != nil && c.fn.FullName() == fullName }

// callees finds the functions that call may call, as far as they are known.
func (x *index) callees(p *packages.Package, call *ast.CallExpr) []callee {
	if fn := typeutil.StaticCallee(p.TypesInfo, call); fn != nil {
		return []callee{{fn: fn.Origin()}}
	}
	return x.functions(value{pkg: p, expr: call.Fun}, nil)
}

// functions resolves an expression to the functions that it may be.
func (x *index) functions(v value, seen []types.Object) []callee {
	switch e := ast.Unparen(v.expr).(type) {
	case *ast.FuncLit:
		return []callee{{pkg: v.pkg, lit: e}}
	case *ast.IndexExpr:
		return x.functions(value{pkg: v.pkg, expr: e.X}, seen)
	case *ast.IndexListExpr:
		return x.functions(value{pkg: v.pkg, expr: e.X}, seen)
	case *ast.Ident, *ast.SelectorExpr:
		if fn, ok := used(v.pkg, e).(*types.Func); ok {
			return []callee{{fn: fn.Origin()}}
		}
		obj := variable(v.pkg, e)
		if obj == nil {
			return nil
		}
		if slices.Contains(seen, obj) {
			return nil
		}
		var found []callee
		for _, a := range x.assigned[obj] {
			if a.result == 0 && a.depth == 0 {
				found = append(found, x.functions(a, append(seen, obj))...)
			}
		}
		return found
	}
	return nil
}

// used is the object that an identifier or selector stands for.
func used(p *packages.Package, e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return p.TypesInfo.ObjectOf(e)
	case *ast.SelectorExpr:
		return p.TypesInfo.ObjectOf(e.Sel)
	}
	return nil
}

// variable is the variable or field that e stands for, or nil.
func variable(p *packages.Package, e ast.Expr) types.Object {
	v, ok := used(p, e).(*types.Var)
	if !ok || v == nil {
		return nil
	}
	return v.Origin()
}

// position says where a node stands.
func position(p *packages.Package, n ast.Node) token.Position { return p.Fset.Position(n.Pos()) }
