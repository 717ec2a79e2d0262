package constructor

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.uber.org/dig"
)

// Result is one value that a constructor provides: a plain result, or a field
// of a result struct however deep.
type Result struct {
	Type reflect.Type
	// Field is its field's name, else its number, from 1.
	Field string
	// StructTag is its field's, with what others than dig say of it.
	StructTag reflect.StructTag

	tag  string // dig's own: name and group
	at   int    // which result of the function
	path []int  // fields from there
}

// Name is that under which it is provided, if any.
func (r *Result) Name() string { return reflect.StructTag(r.tag).Get("name") }

// Group is that in which it is provided, if any.
func (r *Result) Group() string {
	group, _, _ := strings.Cut(reflect.StructTag(r.tag).Get("group"), ",")
	return group
}

// Flatten says that it is a slice whose elements are provided.
func (r *Result) Flatten() bool {
	_, options, _ := strings.Cut(reflect.StructTag(r.tag).Get("group"), ",")
	return strings.Contains(options, "flatten")
}

// Element is the type that is provided.
func (r *Result) Element() reflect.Type {
	if r.Flatten() && r.Type.Kind() == reflect.Slice {
		return r.Type.Elem()
	}
	return r.Type
}

// of picks the result out of what the function returned.
func (r *Result) of(values []reflect.Value) reflect.Value {
	v := values[r.at]
	for _, i := range r.path {
		v = v.Field(i)
	}
	return v
}

// Results flattens what a constructor provides.
func (c Constructor) Results() ([]Result, error) {
	t := c.fn.Type()
	var results []Result
	for i := range t.NumOut() {
		out := t.Out(i)
		switch {
		case out == typeOfError:
			if i != t.NumOut()-1 {
				return nil, fmt.Errorf("result %d is an error, which only the last may be", i+1)
			}
		case out.Kind() != reflect.Struct || !dig.IsOut(out):
			results = append(results, Result{Type: out, Field: strconv.Itoa(i + 1), tag: c.tag, at: i})
		case c.tag != "":
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

func fieldsOf(t reflect.Type, at int, path []int) ([]Result, error) {
	var results []Result
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
			var tag string
			for _, key := range []string{"name", "group"} {
				if value, ok := f.Tag.Lookup(key); ok {
					tag = strings.TrimSpace(fmt.Sprintf("%s %s:%q", tag, key, value))
				}
			}
			results = append(results, Result{Type: f.Type, Field: f.Name, StructTag: f.Tag, tag: tag, at: at, path: here})
		}
	}
	return results, nil
}
