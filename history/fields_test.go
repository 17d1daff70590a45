package history_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// Whatever a line says that is not of its event is named, however the line is written: else it
// would be lost when it is read.
func TestAFieldThatDoesNotBelongIsNamed(t *testing.T) {
	const ended = `{"index":0,"time":7,"type":"info","op":1,"process":0,"node":"n1","f":"read",` +
		`"key":"r0"`
	const mark = `{"index":0,"time":7,"type":"mark"`
	const called = `{"index":0,"time":5,"type":"invoke","op":1,"process":0,"client":0,` +
		`"node":"n1","f":"read","key":"r0"`
	for _, test := range []struct{ line, field, of string }{
		{called, `"value":"1"`, `"invoke" and f "read"`},
		{called, `"expected":"1"`, `"invoke" and f "read"`},
		{called, `"applied":false`, `"invoke" and f "read"`},
		{called, `"returned":""`, `"invoke" and f "read"`},
		{called, `"blind":true`, `"invoke" and f "read"`},
		{called, `"error":"e"`, `"invoke" and f "read"`},
		{called, `"fault":{"id":"f"}`, `"invoke" and f "read"`},
		{called, `"mark":{"name":"m"}`, `"invoke" and f "read"`},
		{ended, `"client":0`, `"info" and f "read"`},
		{ended, `"value":"1"`, `"info" and f "read"`},
		{ended, `"final":true`, `"info" and f "read"`},
		{ended, `"applied":true`, `"info" and f "read"`},
		{ended, `"returned":"1"`, `"info" and f "read"`},
		{ended, `"blind":true`, `"info" and f "read"`},
		{mark, `"op":1`, `"mark"`},
		{mark, `"process":0`, `"mark"`},
		{mark, `"client":0`, `"mark"`},
		{mark, `"node":"n1"`, `"mark"`},
		{mark, `"f":"read"`, `"mark"`},
		{mark, `"key":"r0"`, `"mark"`},
		{mark, `"error":"e"`, `"mark"`},
		{mark, `"fault":{"id":"f"}`, `"mark"`},
	} {
		end := "}"
		if test.line == mark {
			end = `,"mark":{"name":"m"}}`
		}
		name, _, _ := strings.Cut(test.field, ":")
		for _, comma := range []string{",", ", "} {
			text := lines(header, test.line+comma+test.field+end)
			_, err := history.ReadAll(strings.NewReader(text), "h")
			require.EqualError(t, err, "read the history: h:2: event 0: "+name+
				" does not belong to an event of type "+test.of)
		}
	}
}
