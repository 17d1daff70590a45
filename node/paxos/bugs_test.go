package paxos

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every entry of the catalogue can be named, says what is wrong and where that was seen.
func TestTheCatalogueIsDocumented(t *testing.T) {
	names := make(map[string]bool)
	mistakes := make(map[string]bool)
	for _, bug := range Bugs() {
		require.Regexp(t, regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), bug.Name)
		require.False(t, names[bug.Name], "%s twice", bug.Name)
		require.False(t, mistakes[bug.Mistake], "%s: another bug has the same mistake", bug.Name)
		require.NotEmpty(t, bug.Mistake, bug.Name)
		require.NotEmpty(t, bug.SeenIn, bug.Name)
		require.NotRegexp(t, `\.$|\n`, bug.Mistake, "%s: a line without a full stop", bug.Name)
		names[bug.Name], mistakes[bug.Mistake] = true, true
	}
	require.NotEmpty(t, names)
}

// Every bug changes some rule, and planting one leaves the correct rules as they are.
func TestEveryBugChangesARule(t *testing.T) {
	correct := fingerprint(Correct())
	for _, bug := range Bugs() {
		rules, err := BugNamed(bug.Name)
		require.NoError(t, err)
		require.NotEqual(t, correct, fingerprint(rules), bug.Name)
	}
	rules, err := BugNamed("")
	require.NoError(t, err)
	require.Equal(t, correct, fingerprint(rules))
	require.Equal(t, correct, fingerprint(Correct()))
}

func TestAnUnknownBugIsRefusedWithTheNamesThatExist(t *testing.T) {
	_, err := BugNamed("no-such-bug")
	require.ErrorContains(t, err, `"no-such-bug"`)
	for _, bug := range Bugs() {
		require.ErrorContains(t, err, bug.Name)
	}
}

// fingerprint identifies each rule by its function's address, or by its value.
func fingerprint(rules Rules) (parts []uintptr) {
	v := reflect.ValueOf(rules)
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.Func:
			parts = append(parts, field.Pointer())
		case reflect.Bool:
			on := uintptr(0)
			if field.Bool() {
				on = 1
			}
			parts = append(parts, on)
		}
	}
	return parts
}
