package container

import (
	"fmt"
	"reflect"
	"strings"

	"go.uber.org/dig"
)

// result is one value that a constructor provides: a plain result, or a field
// of a result struct however deep.
type result struct {
	typ     reflect.Type
	at      int    // which result of the function
	path    []int  // fields from there
	field   string // for messages
	tag     string // dig's own: name and group
	flatten bool   // a slice whose elements are provided
	policy  string
	wrapper *wrapper    // nil: passes as it is
	service serviceType // if it is wrapped
}

// element is the type that is provided.
func (r *result) element() reflect.Type {
	if r.flatten && r.typ.Kind() == reflect.Slice {
		return r.typ.Elem()
	}
	return r.typ
}

// of picks the result out of what the function returned.
func (r *result) of(values []reflect.Value) reflect.Value {
	v := values[r.at]
	for _, i := range r.path {
		v = v.Field(i)
	}
	return v
}

// resultsOf flattens what a constructor provides.
func resultsOf(src source) ([]result, error) {
	t := src.fn.Type()
	var results []result
	for i := range t.NumOut() {
		out := t.Out(i)
		switch {
		case out == typeOfError:
			if i != t.NumOut()-1 {
				return nil, fmt.Errorf("result %d is an error, which only the last may be", i+1)
			}
		case out.Kind() != reflect.Struct || !dig.IsOut(out):
			results = append(results, result{typ: out, at: i, tag: src.tag, flatten: flattens(src.tag), field: fmt.Sprint(i + 1)})
		case src.tag != "":
			return nil, fmt.Errorf("fx.Annotated cannot give a name or group to the result struct %v; tag its fields", out)
		default:
			fields, err := fieldsOf(out, i, nil)
			if err != nil {
				return nil, err
			}
			results = append(results, fields...)
		}
	}
	return results, nil
}

var typeOfOut = reflect.TypeFor[dig.Out]()

func fieldsOf(t reflect.Type, at int, path []int) ([]result, error) {
	var results []result
	for i := range t.NumField() {
		f := t.Field(i)
		here := append(append([]int(nil), path...), i)
		switch {
		case f.Type == typeOfOut:
		case !f.IsExported():
			return nil, fmt.Errorf("field %s of the result struct %v is not exported", f.Name, t)
		case dig.IsOut(f.Type):
			fields, err := fieldsOf(f.Type, at, here)
			if err != nil {
				return nil, err
			}
			results = append(results, fields...)
		default:
			r := result{typ: f.Type, at: at, path: here, field: f.Name, policy: f.Tag.Get("policy")}
			for _, key := range []string{"name", "group"} {
				if value, ok := f.Tag.Lookup(key); ok {
					r.tag = strings.TrimSpace(fmt.Sprintf("%s %s:%q", r.tag, key, value))
				}
			}
			r.flatten = flattens(r.tag)
			results = append(results, r)
		}
	}
	return results, nil
}

func flattens(tag string) bool {
	_, options, _ := strings.Cut(reflect.StructTag(tag).Get("group"), ",")
	return strings.Contains(options, "flatten")
}

func typesOf(results []result) string {
	if len(results) == 0 {
		return "it provides nothing"
	}
	names := make([]string, len(results))
	for i, r := range results {
		names[i] = r.typ.String()
	}
	return strings.Join(names, ", ")
}
