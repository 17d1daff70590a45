package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
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
	case !utf8.ValidString(name):
		return paxos.Key{}, &mistake{http.StatusBadRequest, "the key is not UTF-8"}
	}
	return paxos.Key{Space: space, Name: name}, nil
}

// consistencyOf tells whether a read asks for this node's own value.
func consistencyOf(r *http.Request) (local bool, wrong *mistake) {
	given, wrong := parametersOf(r, "consistency")
	if wrong != nil {
		return false, wrong
	}
	switch value, asked := given["consistency"]; {
	case !asked, value == "linearizable":
		return false, nil
	case value == "local":
		return true, nil
	default:
		return false, &mistake{
			http.StatusBadRequest,
			fmt.Sprintf("consistency %.60q is not one of linearizable, local", value),
		}
	}
}

// parametersOf returns the parameters of a request's query, which may be these, each once. One that
// is not understood is a mistake: whoever gave it meant something by it.
func parametersOf(r *http.Request, names ...string) (map[string]string, *mistake) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &mistake{http.StatusBadRequest, "the query cannot be read: " + err.Error()}
	}
	given := make(map[string]string)
	for name, values := range query {
		switch {
		case !slices.Contains(names, name):
			return nil, &mistake{
				http.StatusBadRequest,
				fmt.Sprintf("unknown parameter %.60q (%s)", name, thereAre(names)),
			}
		case len(values) > 1:
			return nil, &mistake{
				http.StatusBadRequest,
				fmt.Sprintf("parameter %q is given %d times", name, len(values)),
			}
		}
		given[name] = values[0]
	}
	return given, nil
}

// noParameters is parametersOf for a request that has none.
func noParameters(r *http.Request) *mistake {
	_, wrong := parametersOf(r)
	return wrong
}

func thereAre(names []string) string {
	switch len(names) {
	case 0:
		return "there is none"
	case 1:
		return "there is: " + names[0]
	default:
		return "there are: " + strings.Join(names, ", ")
	}
}

// bare serves requests that have neither parameters nor a body.
func bare(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wrong := noParameters(r)
		if wrong == nil {
			wrong = noBody(r)
		}
		if wrong != nil {
			wrong.reply(w)
			return
		}
		handle(w, r)
	}
}

// noBody finds a body where none is taken.
func noBody(r *http.Request) *mistake {
	if r.ContentLength == 0 {
		return nil
	}
	return &mistake{http.StatusBadRequest, r.Method + " takes no body here"}
}
