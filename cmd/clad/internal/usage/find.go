package usage

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/types/typeutil"
)

const (
	containerPath = "github.com/cladgo/clad/container"
	modulePath    = "github.com/cladgo/clad/module"

	tagFunc            = containerPath + ".Tag"
	methodFunc         = containerPath + ".Method"
	asFunc             = containerPath + ".As"
	answersFunc        = containerPath + ".Answers"
	judgeFunc          = containerPath + ".Judge"
	fallbackFunc       = containerPath + ".Fallback"
	fallbackMethodFunc = containerPath + ".FallbackMethod"
	fallbackPolicyFunc = containerPath + ".FallbackPolicy"
	pipelineType       = containerPath + ".Pipeline"
	methodsType        = containerPath + ".Methods"
	annotateFunc       = "go.uber.org/fx.Annotate"
	fxAsFunc           = "go.uber.org/fx.As"
	fxSelfFunc         = "go.uber.org/fx.Self"
	paramTagsFunc      = "go.uber.org/fx.ParamTags"
	resultTagsFunc     = "go.uber.org/fx.ResultTags"
	annotatedType      = "go.uber.org/fx.Annotated"
	inType             = "go.uber.org/dig.In"
	outType            = "go.uber.org/dig.Out"
	grpcConnType       = "google.golang.org/grpc.ClientConnInterface"
)

// pipelineMethods are the methods that take the name of a policy.
var pipelineMethods = []string{
	"(github.com/cladgo/clad/policy.Orchestrator).Pipeline",
	"(*" + containerPath + ".Orchestrator).Pipeline",
}

// finder gathers what packages say.
type finder struct {
	*Code
	guards map[string]map[string]Method // by type, method
	reach  *reach
}

// calls looks at every call of a package, and at functions of clad that are not
// called where they are named.
func (f *finder) calls(p *packages.Package) {
	called := map[*ast.Ident]bool{}
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if id := identOf(call.Fun); id != nil {
					called[id] = true
				}
				f.call(p, call)
			}
			return true
		})
	}
	for id, obj := range p.TypesInfo.Uses {
		fn, ok := obj.(*types.Func)
		if !ok || called[id] {
			continue
		}
		if name := fn.Origin().FullName(); name == tagFunc || name == methodFunc {
			f.unknown(p, id, fmt.Sprintf("container.%s is handed on; what it is given then is not checked", fn.Name()))
		}
	}
}

func (f *finder) call(p *packages.Package, call *ast.CallExpr) {
	name := callee(p, call)
	switch {
	case name == tagFunc && len(call.Args) >= 2:
		f.tag(p, call)
	case name == methodFunc && len(call.Args) == 2:
		f.use(p, call.Args[1], fmt.Sprintf("container.Method(%s)", types.ExprString(call.Args[0])))
	case name == modulePath+".Standard":
		f.Standard = true
	case name == fallbackPolicyFunc && len(call.Args) > 0:
		f.use(p, call.Args[0], "container.FallbackPolicy")
	case name == annotateFunc && len(call.Args) > 0:
		f.paramTags(p, call)
	case len(call.Args) == 1 && (name == containerPath+".WithErrors" || name == modulePath+".WithErrors"):
		f.errors(p, call.Args[0])
	case len(call.Args) == 1 && isPipelineMethod(name):
		f.use(p, call.Args[0], "Pipeline")
	}
}

func isPipelineMethod(name string) bool {
	return name == pipelineMethods[0] || name == pipelineMethods[1]
}

// errors notes the names that a map gives to errors.
func (f *finder) errors(p *packages.Package, e ast.Expr) {
	literal, ok := ast.Unparen(e).(*ast.CompositeLit)
	if !ok {
		f.Errors.Unknown = true
		return
	}
	for _, element := range literal.Elts {
		pair, _ := element.(*ast.KeyValueExpr) // of a map, all are
		if name, ok := constantString(p, pair.Key); ok {
			f.Errors.Names = append(f.Errors.Names, name)
		} else {
			f.Errors.Unknown = true
		}
	}
}

// use notes the name that an expression gives to a policy.
func (f *finder) use(p *packages.Package, e ast.Expr, by string) (Use, bool) {
	name, ok := constantString(p, e)
	if !ok {
		f.unknown(p, e, fmt.Sprintf("%s: %s is not a constant, so it is not checked", by, types.ExprString(e)))
		return Use{}, false
	}
	u := Use{Policy: name, By: by, At: position(p, e)}
	f.Uses = append(f.Uses, u)
	return u, true
}

func (f *finder) unknown(p *packages.Package, n ast.Node, what string) {
	f.Unchecked = append(f.Unchecked, Unknown{What: what, At: position(p, n)})
}

// callee is the full name of the function that is called, or "".
func callee(p *packages.Package, call *ast.CallExpr) string {
	fn, ok := typeutil.Callee(p.TypesInfo, call).(*types.Func)
	if !ok {
		return ""
	}
	return fn.Origin().FullName()
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

func constantString(p *packages.Package, e ast.Expr) (string, bool) {
	v := p.TypesInfo.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(v), true
}

func position(p *packages.Package, n ast.Node) token.Position {
	at := p.Fset.Position(n.Pos())
	at.Filename = relative(at.Filename)
	return at
}

func isNamed(t types.Type, fullName string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path()+"."+named.Obj().Name() == fullName
}

func isPointerTo(t types.Type, fullName string) bool {
	ptr, ok := types.Unalias(t).(*types.Pointer)
	return ok && isNamed(ptr.Elem(), fullName)
}

// embeds reports whether a struct embeds dig's In or Out, at any depth.
func embeds(t types.Type, fullName string) bool {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for field := range s.Fields() {
		if field.Embedded() && (isNamed(field.Type(), fullName) || embeds(field.Type(), fullName)) {
			return true
		}
	}
	return false
}

// typeID prints a type as package reflect does, which is how services are named.
func typeID(t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
			return "*" + typeID(ptr.Elem())
		}
		return types.TypeString(t, (*types.Package).Name)
	}
	if pkg := named.Obj().Pkg(); pkg != nil {
		return pkg.Name() + "." + nameWithArguments(named)
	}
	return named.Obj().Name()
}

// fullID is typeID with the import path of the package.
func fullID(t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return typeID(t)
	}
	return named.Obj().Pkg().Path() + "." + nameWithArguments(named)
}

// nameWithArguments gives type arguments their full paths, without spaces.
func nameWithArguments(named *types.Named) string {
	if named.TypeArgs().Len() == 0 {
		return named.Obj().Name()
	}
	args := make([]string, 0, named.TypeArgs().Len())
	for arg := range named.TypeArgs().Types() {
		args = append(args, types.TypeString(arg, (*types.Package).Path))
	}
	return named.Obj().Name() + "[" + strings.Join(args, ",") + "]"
}
