package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// checkText refuses a line that encoding/json would read with losses. It puts the same character in
// the place of every byte that is not UTF-8 and of every half of a surrogate pair, so that two
// values, or two keys, that differ would be read as equal.
func checkText(line []byte) error {
	if !utf8.Valid(line) {
		return errors.New("the line is not UTF-8")
	}
	for rest := line; ; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 {
			return nil
		}
		rest = rest[at:]
		first, escape := escapedUnit(rest)
		if !escape || !utf16.IsSurrogate(first) {
			// Both bytes of an escaped backslash go.
			rest = rest[min(2, len(rest)):]
			continue
		}
		second, _ := escapedUnit(rest[6:])
		if utf16.DecodeRune(first, second) == utf8.RuneError {
			return fmt.Errorf("%s is half of a character", rest[:6])
		}
		rest = rest[12:]
	}
}

// escapedUnit returns the unit of UTF-16 that text begins with an escape of, such as \u00e9.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	number, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(number), err == nil
}

// explainJSON says of an error of encoding/json what is wrong with the line and what is accepted,
// in the words of the format and not of Go.
func explainJSON(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field == "":
		return fmt.Errorf("the line is a JSON %s (accepted: an object)", wrongType.Value)
	case errors.As(err, &wrongType):
		return fmt.Errorf("%q is a JSON %s (accepted: %s)",
			wrongType.Field, wrongType.Value, jsonName(wrongType.Type))
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the line is not JSON: %w", err)
	}
	if what, found := strings.CutPrefix(err.Error(), "json: "); found {
		return errors.New(what)
	}
	return err
}

// jsonName says what JSON a field of type t is read from.
func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a whole number of " + strconv.Itoa(t.Bits()) + " bits"
}
