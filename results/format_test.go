package results_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/results"
)

// Every field that can stand in run.json is described in docs/format.md.
func TestEveryFieldOfTheRecordIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/format.md")
	require.NoError(t, err)
	fields := map[string]string{}
	collectFields(reflect.TypeFor[results.Run](), fields, map[reflect.Type]bool{})
	require.Greater(t, len(fields), 80)
	for field, in := range fields {
		described := strings.Contains(string(text), "`"+field+"`")
		require.True(t, described, "docs/format.md lacks the field %s of %s", field, in)
	}
}

// collectFields maps the names that a type's JSON has, at any depth, to the type that has them.
func collectFields(t reflect.Type, fields map[string]string, seen map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collectFields(t.Elem(), fields, seen)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[t] || t == reflect.TypeFor[time.Time]() {
		return
	}
	seen[t] = true
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if name != "" {
			fields[name] = t.String()
		}
		collectFields(field.Type, fields, seen)
	}
}
