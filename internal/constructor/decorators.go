package constructor

import (
	"fmt"
	"reflect"
	"unsafe"

	"go.uber.org/dig"
	"go.uber.org/fx"
)

// Key is what a value goes by in a container.
type Key struct {
	Type        reflect.Type
	Name, Group string
}

// Decorator is what fx.Decorate or fx.Replace was given.
type Decorator struct {
	// What it was: "fx.Replace", "fx.Decorate(shop.cached)".
	What string
	// At is where Fx was given it: "/src/shop/main.go:12".
	At string
	// Takes and Gives are what it depends on and what it puts in place.
	Takes, Gives []Key
}

// Decorators lists the decorators of an application, in all of its modules. Fx
// tells nobody of them; its Shutdowner knows the application. Where a release of
// Fx keeps them elsewhere, there are none.
func Decorators(s fx.Shutdowner) []Decorator {
	var found []Decorator
	v := reflect.ValueOf(s)
	for _, name := range []string{"app", "root"} {
		v = field(v, name)
	}
	collectDecorators(v, &found)
	return found
}

func collectDecorators(module reflect.Value, found *[]Decorator) {
	for _, d := range elements(field(module, "decorators")) {
		if decorator, ok := readDecorator(d); ok {
			*found = append(*found, decorator)
		}
	}
	for _, inner := range elements(field(module, "modules")) {
		collectDecorators(inner, found)
	}
}

func readDecorator(d reflect.Value) (Decorator, bool) {
	target := field(d, "Target")
	if !target.IsValid() || target.Kind() != reflect.Interface {
		return Decorator{}, false
	}
	c, err := Read(target.Interface())
	if err != nil {
		return Decorator{}, false
	}
	results, err := c.Results()
	if err != nil {
		return Decorator{}, false
	}
	decorator := Decorator{What: "fx.Decorate(" + c.Name() + ")", Takes: parametersOf(c.fn.Type())}
	if replace := field(d, "IsReplace"); replace.IsValid() && replace.Bool() {
		decorator.What = "fx.Replace"
	}
	for i := range results {
		r := &results[i]
		decorator.Gives = append(decorator.Gives, Key{r.Type, r.Name(), r.Group()})
	}
	if stack := elements(field(d, "Stack")); len(stack) > 0 {
		file, line := field(stack[0], "File"), field(stack[0], "Line")
		if file.IsValid() && line.IsValid() {
			decorator.At = fmt.Sprintf("%v:%v", file, line)
		}
	}
	return decorator, true
}

// parametersOf flattens what a function depends on.
func parametersOf(t reflect.Type) []Key {
	var keys []Key
	for i := range t.NumIn() {
		keys = appendParameters(keys, t.In(i), "")
	}
	return keys
}

var typeOfIn = reflect.TypeFor[dig.In]()

func appendParameters(keys []Key, t reflect.Type, tag reflect.StructTag) []Key {
	if t.Kind() != reflect.Struct || !dig.IsIn(t) {
		return append(keys, Key{t, tag.Get("name"), tag.Get("group")})
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Type != typeOfIn {
			keys = appendParameters(keys, f.Type, f.Tag)
		}
	}
	return keys
}

// field returns a field of the struct that v is or points to, exported or not;
// the zero Value if there is none.
func field(v reflect.Value, name string) reflect.Value {
	if v.IsValid() && v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	f := v.FieldByName(name)
	if !f.IsValid() || !f.CanAddr() {
		return reflect.Value{}
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func elements(v reflect.Value) []reflect.Value {
	if !v.IsValid() || v.Kind() != reflect.Slice {
		return nil
	}
	all := make([]reflect.Value, v.Len())
	for i := range all {
		all[i] = v.Index(i)
	}
	return all
}
