package usage

import (
	"fmt"
	"go/ast"
	"go/types"
	"reflect"
	"strconv"

	"golang.org/x/tools/go/packages"
)

// structs looks at the fields of result structs that carry a policy of their
// own, and at those of parameter structs that ask for a pipeline by its name.
func (f *finder) structs(p *packages.Package) {
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			typ := p.TypesInfo.TypeOf(s)
			switch {
			case typ == nil:
			case embeds(typ, outType):
				f.fields(p, s, "policy", func(types.Type) bool { return true })
			case embeds(typ, inType):
				f.fields(p, s, "name", func(t types.Type) bool { return isPointerTo(t, pipelineType) })
			}
			return true
		})
	}
}

func (f *finder) fields(p *packages.Package, s *ast.StructType, key string, names func(types.Type) bool) {
	for _, field := range s.Fields.List {
		if field.Tag == nil || !names(p.TypesInfo.TypeOf(field.Type)) {
			continue
		}
		tag, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			continue
		}
		policy, ok := reflect.StructTag(tag).Lookup(key)
		if !ok {
			continue
		}
		name := types.ExprString(field.Type)
		if len(field.Names) > 0 {
			name = field.Names[0].Name
		}
		f.Uses = append(f.Uses, Use{Policy: policy, By: "field " + name, At: position(p, field.Tag)})
	}
}

// paramTags looks at fx.Annotate(fn, fx.ParamTags(`name:"..."`)) for pipelines.
func (f *finder) paramTags(p *packages.Package, annotate *ast.CallExpr) {
	sig, ok := p.TypesInfo.TypeOf(annotate.Args[0]).Underlying().(*types.Signature)
	if !ok {
		return
	}
	for _, arg := range annotate.Args[1:] {
		call, ok := ast.Unparen(arg).(*ast.CallExpr)
		if !ok || callee(p, call) != paramTagsFunc {
			continue
		}
		for i, e := range call.Args {
			if i >= sig.Params().Len() || !isPointerTo(sig.Params().At(i).Type(), pipelineType) {
				continue
			}
			tag, ok := constantString(p, e)
			if !ok {
				f.unknown(p, e, fmt.Sprintf("fx.ParamTags: %s is not a constant, so it is not checked", types.ExprString(e)))
				continue
			}
			if name := reflect.StructTag(tag).Get("name"); name != "" {
				f.Uses = append(f.Uses, Use{Policy: name, By: "fx.ParamTags", At: position(p, e)})
			}
		}
	}
}
