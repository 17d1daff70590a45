package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"ordeal/node/paxos"
)

// readBody reads a request's body: one JSON object that has these members and no others, each at
// most once and each a string or null.
func readBody(w http.ResponseWriter, r *http.Request, names ...string) (
	map[string]text, *mistake,
) {
	data, err := readLimited(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &mistake{
			http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body has more than %d bytes", bodyMax),
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &mistake{http.StatusRequestTimeout, "the body did not arrive in time"}
	case err != nil:
		return nil, &mistake{http.StatusBadRequest, "the body cannot be read: " + err.Error()}
	}
	members, err := decodeMembers(data, names)
	if err != nil {
		return nil, &mistake{
			http.StatusBadRequest,
			"the body is not a JSON object of strings: " + err.Error(),
		}
	}
	return members, nil
}

// readLimited reads a body within its limit. One that is announced as longer is not waited for.
func readLimited(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > bodyMax {
		return nil, &http.MaxBytesError{Limit: bodyMax}
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
}

// A text is a member of a body: a string, null, or missing.
type text struct {
	given, null bool
	value       string
}

// decodeMembers decodes a JSON object strictly. What encoding/json is lenient about is refused too:
// names in another case, a name that is given twice, and what is no text, since what was written
// would not be what is read.
func decodeMembers(data []byte, names []string) (map[string]text, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, err
	}
	if hasLoneSurrogate(data) {
		return nil, errors.New("an escape is half of a surrogate pair, which is no character")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.Join(errors.New("it is "+kindOf(start)), err)
	}
	members := make(map[string]text, len(names))
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // in valid JSON nothing else stands here
		switch {
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("unknown name %.60q (%s)", name, thereAre(names))
		case members[name].given:
			return nil, fmt.Errorf("%q is given twice", name)
		}
		if members[name], err = decodeText(decoder); err != nil {
			return nil, fmt.Errorf("%q %w", name, err)
		}
	}
	return members, nil
}

func decodeText(decoder *json.Decoder) (text, error) {
	token, err := decoder.Token()
	if err != nil {
		return text{}, fmt.Errorf("cannot be read: %w", err)
	}
	switch token := token.(type) {
	case nil:
		return text{given: true, null: true}, nil
	case string:
		return text{given: true, value: token}, nil
	default:
		return text{}, fmt.Errorf("is %s, not a string", kindOf(token))
	}
}

// kindOf names what a JSON value is by its first token.
func kindOf(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case json.Delim:
		if token == '[' {
			return "an array"
		}
		return "an object"
	default:
		return "a string"
	}
}

// hasLoneSurrogate tells whether JSON that is valid escapes half of a surrogate pair. encoding/json
// would put U+FFFD in its place.
func hasLoneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++ // what is escaped; in valid JSON there is something
		first, ok := escapedUnit(data[i-1:])
		if !ok || !utf16.IsSurrogate(first) {
			continue
		}
		second, ok := escapedUnit(data[i+len(`u0000`):])
		if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		i += len(`u0000`) + len(`\u0000`) - 1
	}
	return false
}

// escapedUnit returns the UTF-16 unit that an escape at the begin of data stands for.
func escapedUnit(data []byte) (unit rune, ok bool) {
	const length = len(`\u0000`)
	if len(data) < length || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	number, err := strconv.ParseUint(string(data[2:length]), 16, 16)
	return rune(number), err == nil
}

// content returns a text that must be a string within the limit.
func (t text) content(name string) ([]byte, *mistake) {
	switch {
	case !t.given:
		return nil, &mistake{http.StatusBadRequest, fmt.Sprintf("%q is missing", name)}
	case t.null:
		return nil, &mistake{http.StatusBadRequest, fmt.Sprintf("%q is null, not a string", name)}
	case len(t.value) > paxos.ContentMax:
		return nil, &mistake{http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"%q has %d bytes, more than %d", name, len(t.value), paxos.ContentMax)}
	}
	return []byte(t.value), nil
}
