package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"ordeal/node/paxos"
)

// keyOf returns the key that a request's path names.
func keyOf(r *http.Request, space paxos.Space) (paxos.Key, *mistake) {
	name := r.PathValue("key")
	switch {
	case len(name) > paxos.KeyMax:
		return paxos.Key{}, &mistake{
			http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the key has %d bytes, more than %d", len(name), paxos.KeyMax),
		}
	case name == "":
		return paxos.Key{}, &mistake{http.StatusBadRequest, "the key is empty"}
	case !utf8.ValidString(name):
		return paxos.Key{}, &mistake{http.StatusBadRequest, "the key is not UTF-8"}
	}
	return paxos.Key{Space: space, Name: name}, nil
}

// consistencyOf tells whether a read asks for this node's own value.
func consistencyOf(r *http.Request) (local bool, wrong *mistake) {
	for name, values := range r.URL.Query() {
		if name != "consistency" {
			return false, &mistake{
				http.StatusBadRequest,
				fmt.Sprintf("unknown parameter %q (there is: consistency)", name),
			}
		}
		switch value := values[len(values)-1]; value {
		case "local":
			local = true
		case "linearizable":
		default:
			return false, &mistake{http.StatusBadRequest, fmt.Sprintf(
				"consistency %q is not one of linearizable, local", value)}
		}
	}
	return local, nil
}

// readBody reads a request's JSON body, strictly: what is unknown, missing, too much or not UTF-8
// is a mistake. (What encoding/json is lenient about remains: the case of names, and a name that is
// given twice, of which the last counts.)
func readBody(w http.ResponseWriter, r *http.Request, into any) *mistake {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &mistake{
			http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the body has more than %d bytes", bodyMax),
		}
	case err != nil:
		return &mistake{http.StatusBadRequest, "the body cannot be read: " + err.Error()}
	case !utf8.Valid(data):
		return &mistake{http.StatusBadRequest, "the body is not UTF-8"}
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &mistake{http.StatusBadRequest, "the body is not what is asked for: " + err.Error()}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &mistake{http.StatusBadRequest, "something follows the body's JSON object"}
	}
	return nil
}

// A text is a member of a body: a string, null, or missing.
type text struct {
	given, null bool
	value       string
}

// UnmarshalJSON takes a string or null.
func (t *text) UnmarshalJSON(data []byte) error {
	var value *string
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	*t = text{given: true, null: value == nil}
	if value != nil {
		t.value = *value
	}
	return nil
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
