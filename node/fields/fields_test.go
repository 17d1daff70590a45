package fields_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/fields"
)

type inner struct{ a, b uint8 }

type outer struct {
	name  string
	on    bool
	list  []inner
	named map[string]inner
	at    *inner
	f     func()
}

// Each part is changed once, alone, and is as it was afterwards.
func TestEachPartIsChangedAlone(t *testing.T) {
	value := outer{
		name: "n", list: []inner{{1, 2}}, named: map[string]inner{"k": {3, 4}},
		at: &inner{5, 6}, f: func() {},
	}
	show := func() string {
		return fmt.Sprintf("%s %t %v %v %v", value.name, value.on, value.list, value.named, *value.at)
	}
	before := show()
	var seen []string
	value.f()
	fields.Each(&value, func(path string) bool { return path == ".f" }, func(path string) {
		seen = append(seen, path+": "+show())
	})
	require.Equal(t, before, show())
	require.Equal(t, []string{
		".name: nx false [{1 2}] map[k:{3 4}] {5 6}",
		".on: n true [{1 2}] map[k:{3 4}] {5 6}",
		".list[+]: n false [{1 2} {0 0}] map[k:{3 4}] {5 6}",
		".list[0].a: n false [{2 2}] map[k:{3 4}] {5 6}",
		".list[0].b: n false [{1 3}] map[k:{3 4}] {5 6}",
		".named[].a: n false [{1 2}] map[k:{4 4}] {5 6}",
		".named[].b: n false [{1 2}] map[k:{3 5}] {5 6}",
		".named[+]: n false [{1 2}] map[:{0 0} k:{3 4}] {5 6}",
		".at.a: n false [{1 2}] map[k:{3 4}] {6 6}",
		".at.b: n false [{1 2}] map[k:{3 4}] {5 7}",
	}, seen)
	require.Panics(t, func() {
		fields.Each(&value, func(string) bool { return false }, func(string) {})
	})
}
