// Package fields changes every field of a value, one after the other, also those that are not
// exported. It is for tests that ask whether something (an encoding, say) depends on all of them,
// so that a field that is added later is not forgotten.
package fields

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Each calls visit with every part of what pointer points to changed in its turn, and with the path
// to it, such as ".queue[0].stamp.Node"; then the part is as it was. A part is a number, a text, a
// truth value, or an element more in a slice or a map. Nothing is changed below a path that left
// tells of. It panics on what it cannot change: functions and interfaces must be left.
func Each(pointer any, left func(path string) bool, visit func(path string)) {
	each(reflect.ValueOf(pointer).Elem(), "", left, visit)
}

func each(v reflect.Value, path string, left func(string) bool, visit func(string)) {
	if left(path) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Field(i)
			// One that is not exported can be set only where it is.
			field = reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
			each(field, path+"."+v.Type().Field(i).Name, left, visit)
		}
	case reflect.Pointer:
		each(v.Elem(), path, left, visit)
	case reflect.Slice:
		if !left(path + "[+]") {
			longer(v, func() { visit(path + "[+]") })
		}
		for i := range v.Len() {
			each(v.Index(i), fmt.Sprintf("%s[%d]", path, i), left, visit)
		}
	case reflect.Map:
		eachEntry(v, path, left, visit)
	default:
		eachLeaf(v, path, visit)
	}
}

// longer calls f while a slice has one element more.
func longer(v reflect.Value, f func()) {
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	longer := reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1)
	reflect.Copy(longer, v)
	v.Set(longer)
	f()
	v.Set(before)
}

// eachEntry changes the values of a map, and adds the zero key.
func eachEntry(v reflect.Value, path string, left func(string) bool, visit func(string)) {
	for _, key := range v.MapKeys() {
		before := v.MapIndex(key)
		changed := reflect.New(v.Type().Elem())
		changed.Elem().Set(before)
		each(changed.Elem(), path+"[]", left, func(path string) {
			v.SetMapIndex(key, changed.Elem())
			visit(path)
			v.SetMapIndex(key, before)
		})
	}
	zero := reflect.Zero(v.Type().Key())
	if v.IsNil() || v.MapIndex(zero).IsValid() || left(path+"[+]") {
		return
	}
	v.SetMapIndex(zero, reflect.Zero(v.Type().Elem()))
	visit(path + "[+]")
	v.SetMapIndex(zero, reflect.Value{})
}

func eachLeaf(v reflect.Value, path string, visit func(string)) {
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	switch {
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.CanUint():
		v.SetUint(v.Uint() + 1)
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	default:
		panic(fmt.Sprintf("fields: %s is a %s", path, v.Type()))
	}
	visit(path)
	v.Set(before)
}
