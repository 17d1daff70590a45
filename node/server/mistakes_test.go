package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	registerPath = "/v1/registers/k"
	decreePath   = "/v1/decrees/k"
	swapPath     = "/v1/registers/k/compare-and-set"
	nothingToX   = `{"expected":null,"value":"x"}`
)

var (
	longKey   = strings.Repeat("k", 129)
	hugeValue = strings.Repeat("v", 1001)
)

// A badRequest is one that must be refused, with this status and an error that has this in it.
type badRequest struct {
	method, path, body string
	status             int
	text               string
}

var tooLargeRequests = []badRequest{
	{"GET", "/v1/registers/" + longKey, "", 413, "the key has 129 bytes, more than 128"},
	{"PUT", "/v1/registers/" + longKey, `{"value":"x"}`, 413, "the key has 129 bytes"},
	{"POST", "/v1/registers/" + longKey + "/compare-and-set", nothingToX, 413, "the key has 129"},
	{"POST", "/v1/decrees/" + longKey, `{"value":"x"}`, 413, "the key has 129 bytes"},
	{"GET", "/v1/decrees/" + longKey, "", 413, "the key has 129 bytes"},
	{"GET", "/v1/registers/" + strings.Repeat("%C3%A4", 65), "", 413, "the key has 130 bytes"},
	{"PUT", registerPath, `{"value":"` + hugeValue + `"}`, 413, `has 1001 bytes, more than 1000`},
	{"PUT", registerPath, `{"value":"` + strings.Repeat("ä", 501) + `"}`, 413, "has 1002 bytes"},
	{"PUT", decreePath, `{"value":"` + hugeValue + `"}`, 413, `"value" has 1001 bytes`},
	{"POST", decreePath, `{"value":"` + hugeValue + `"}`, 413, `"value" has 1001 bytes`},
	{"POST", swapPath, `{"expected":null,"value":"` + hugeValue + `"}`, 413, `"value" has 1001`},
	{"POST", swapPath, `{"expected":"` + hugeValue + `","value":"x"}`, 413, `"expected" has 1001`},
	{"PUT", registerPath, `{"value":"x"}` + strings.Repeat(" ", bodyMax), 413, "more than 16384"},
	{"PUT", registerPath, strings.Repeat("[", 4*bodyMax), 413, "more than 16384"},
}

var malformedBodies = []badRequest{
	{"PUT", registerPath, ``, 400, "unexpected end of JSON input"},
	{"PUT", registerPath, ` `, 400, "unexpected end of JSON input"},
	{"PUT", registerPath, `{}`, 400, `"value" is missing`},
	{"PUT", registerPath, `{"value":"x"`, 400, "unexpected end"},
	{"PUT", registerPath, `{"value":"x",}`, 400, "invalid character '}'"},
	{"PUT", registerPath, `{'value':'x'}`, 400, `invalid character '\''`},
	{"PUT", registerPath, "\ufeff" + `{"value":"x"}`, 400, "invalid character"},
	{"PUT", registerPath, "{\"value\":\"a\nb\"}", 400, `invalid character '\n'`},
	{"PUT", registerPath, `value=x`, 400, "invalid character 'v'"},
	{"PUT", registerPath, `"x"`, 400, "it is a string"},
	{"PUT", registerPath, `null`, 400, "it is null"},
	{"PUT", registerPath, `[{"value":"x"}]`, 400, "it is an array"},
	{"PUT", registerPath, `{"value":null}`, 400, `"value" is null, not a string`},
	{"PUT", registerPath, `{"value":1}`, 400, `"value" is a number, not a string`},
	{"PUT", registerPath, `{"value":1e999}`, 400, `"value" is a number`},
	{"PUT", registerPath, `{"value":true}`, 400, `"value" is a boolean`},
	{"PUT", registerPath, `{"value":["x"]}`, 400, `"value" is an array`},
	{"PUT", registerPath, `{"value":{"value":"x"}}`, 400, `"value" is an object`},
	{"PUT", registerPath, `{"value":"x","other":1}`, 400, `unknown name "other"`},
	{"PUT", registerPath, `{"value":"x","other":"y"}`, 400, `unknown name "other" (there is: value)`},
	{"PUT", registerPath, `{"` + hugeValue + `":"y"}`, 400, `unknown name "vvv`},
	{"PUT", registerPath, `{"Value":"x"}`, 400, `unknown name "Value" (there is: value)`},
	{"PUT", registerPath, `{"value":"x","value":"y"}`, 400, `"value" is given twice`},
	{"PUT", registerPath, `{"value":"x","v\u0061lue":null}`, 400, `"value" is given twice`},
	{"PUT", registerPath, `{"value":"x"} {}`, 400, "after top-level value"},
	{"PUT", registerPath, `{"value":"x"}{"value":"y"}`, 400, "after top-level value"},
	{"PUT", registerPath, `{"value":"x"} y`, 400, "after top-level value"},
	{"PUT", registerPath, "{\"value\":\"x\"}\x00", 400, "after top-level value"},
	{"PUT", registerPath, "{\"value\":\"\xff\"}", 400, "not UTF-8"},
	{"PUT", registerPath, `{"value":"\ud800"}`, 400, "surrogate"},
	{"PUT", registerPath, `{"value":"\udc00\ud800"}`, 400, "surrogate"},
	{"PUT", registerPath, "\x1f\x8b\x08\x00", 400, "not UTF-8"},
	{"POST", decreePath, `{"value":null}`, 400, `"value" is null`},
	{"PUT", decreePath, nothingToX, 400, `unknown name "expected"`},
	{"POST", swapPath, `{"value":"x"}`, 400, `"expected" is missing`},
	{"POST", swapPath, `{"expected":null}`, 400, `"value" is missing`},
	{"POST", swapPath, `{"expected":null,"value":null}`, 400, `"value" is null`},
	{"POST", swapPath, `{"expected":1,"value":"x"}`, 400, `"expected" is a number`},
	{"POST", swapPath, `{"expected":null,"expected":"a","value":"x"}`, 400, "given twice"},
	{"POST", swapPath, `{"expected":null,"value":"x","a":null}`, 400, "there are: expected, value"},
}

var wrongRequests = []badRequest{
	{"GET", "/v1/registers/%ff", "", 400, "the key is not UTF-8"},
	{"PUT", "/v1/registers/%ff", `{"value":"x"}`, 400, "the key is not UTF-8"},
	{"GET", registerPath + "?consistency=eventual", "", 400, "not one of linearizable, local"},
	{"GET", registerPath + "?consistency=", "", 400, `"" is not one of linearizable, local`},
	{"GET", registerPath + "?consistency", "", 400, `"" is not one of linearizable, local`},
	{"GET", registerPath + "?consistency=LOCAL", "", 400, `"LOCAL" is not one of`},
	{"GET", registerPath + "?consistency=local&consistency=local", "", 400, "given 2 times"},
	{"GET", registerPath + "?consistency=local;x", "", 400, "query"},
	{"GET", registerPath + "?consistency=%zz", "", 400, "query"},
	{"GET", registerPath + "?stale=yes", "", 400, `unknown parameter "stale" (there is: consistency)`},
	{"GET", registerPath + "?" + hugeValue, "", 400, `unknown parameter "vvv`},
	{"GET", registerPath + "?consistency=" + hugeValue, "", 400, `consistency "vvv`},
	{"GET", "/" + hugeValue, "", 404, "no such path: /vvv"},
	{"PUT", registerPath + "?consistency=local", `{"value":"x"}`, 400, "there is none"},
	{"POST", swapPath + "?x", nothingToX, 400, `unknown parameter "x"`},
	{"POST", decreePath + "?x=1", `{"value":"x"}`, 400, `unknown parameter "x"`},
	{"GET", decreePath + "?consistency=local", "", 400, `unknown parameter "consistency"`},
	{"GET", "/v1/status?pretty", "", 400, `unknown parameter "pretty"`},
	{"GET", "/healthz?full=1", "", 400, `unknown parameter "full"`},
	{"GET", registerPath, `{"value":"x"}`, 400, "GET takes no body"},
	{"GET", decreePath, `{"value":"x"}`, 400, "GET takes no body"},
	{"GET", "/v1/status", `{}`, 400, "GET takes no body"},

	{"GET", "/", "", 404, "no such path: / (there are: /v1/registers/KEY,"},
	{"GET", "/v1/nowhere", "", 404, "no such path: /v1/nowhere"},
	{"PUT", "/v1/registers/", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers/k/", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers/a/b", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers//k", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "//v1/registers/k", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/x/../registers/k", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers/./k", `{"value":"x"}`, 404, "no such path"},
	{"PUT", "/v1/registers/..", `{"value":"x"}`, 404, "no such path"},
	{"POST", "/v1/registers//compare-and-set", nothingToX, 404, "no such path"},
	{"POST", swapPath + "/", nothingToX, 404, "no such path"},
	{"PUT", "/v1/Registers/k", `{"value":"x"}`, 404, "no such path"},
	{"GET", "/v1/status/", "", 404, "no such path"},
}

// wrongMethods are refused with the methods that there are.
var wrongMethods = []struct{ method, path, allow string }{
	{"DELETE", registerPath, "GET, HEAD, PUT"},
	{"POST", registerPath, "GET, HEAD, PUT"},
	{"PATCH", registerPath, "GET, HEAD, PUT"},
	{"OPTIONS", registerPath, "GET, HEAD, PUT"},
	{"TRACE", registerPath, "GET, HEAD, PUT"},
	{"put", registerPath, "GET, HEAD, PUT"},
	{"BREW", registerPath, "GET, HEAD, PUT"},
	{"GET", swapPath, "POST"},
	{"PUT", swapPath, "POST"},
	{"OPTIONS", swapPath, "POST"},
	{"DELETE", decreePath, "GET, HEAD, POST, PUT"},
	{"POST", "/v1/status", "GET, HEAD"},
	{"POST", "/healthz", "GET, HEAD"},
	{"PUT", "/metrics", "GET, HEAD"},
}

// Whatever is wrong with a request, its client is told what and what there is instead, and nothing
// is done. Bodies are sent with their length, and without (chunked).
func TestMistakesInRequests(t *testing.T) {
	c := startCluster(t, 1)
	var all []badRequest
	all = append(append(append(all, tooLargeRequests...), malformedBodies...), wrongRequests...)
	for _, test := range all {
		for _, chunked := range []bool{false, true} {
			if chunked && test.body == "" {
				continue
			}
			name := fmt.Sprintf("%s %.40s %.30q %t", test.method, test.path, test.body, chunked)
			t.Run(name, func(t *testing.T) {
				r := c.send(test.method, test.path, test.body, chunked)
				require.Equal(t, test.status, r.status, "%v", r.body)
				require.Contains(t, r.body["error"], test.text)
				require.Equal(t, "application/json", r.header.Get("Content-Type"))
				require.NotContains(t, r.body["error"], "\n")
				require.Len(t, r.body, 1)
				require.Less(t, len(fmt.Sprint(r.body["error"])), 500, "it does not echo it all")
				c.requireOperations(t, 0)
			})
		}
	}
	// What is looked at does change with the first operation that is right, chunked or not.
	require.Equal(t, http.StatusOK, c.send("PUT", registerPath, `{"value":"x"}`, true).status)
	c.requireOperations(t, 1)
	c.expect(1, "GET", registerPath, "", `{"value":"x"}`)
	c.requireOperations(t, 2)
}

func TestWrongMethods(t *testing.T) {
	c := startCluster(t, 1)
	for _, test := range wrongMethods {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			r := c.send(test.method, test.path, `{"value":"x"}`, false)
			require.Equal(t, http.StatusMethodNotAllowed, r.status, "%v", r.body)
			require.Equal(t, test.allow, r.header.Get("Allow"))
			require.Equal(t, "method "+test.method+" is not one of "+test.allow, r.body["error"])
			c.requireOperations(t, 0)
		})
	}
}

// A HEAD is answered like a GET, without the body. It is counted as the read that it is.
func TestHead(t *testing.T) {
	c := startCluster(t, 1)
	for path, status := range map[string]int{
		"/healthz": 200, "/v1/status": 200, "/metrics": 200, "/v1/nowhere": 404, swapPath: 405,
		registerPath + "?consistency=none": 400, "/v1/registers/" + longKey: 413,
	} {
		answer, err := c.client.Head(c.url(1, path))
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, status, answer.StatusCode, path)
		require.Empty(t, body, path)
	}
	c.requireOperations(t, 0)
	answer, err := c.client.Head(c.url(1, registerPath))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	c.requireOperations(t, 1)
}

// send sends a request to node 1, without the length of its body if it is to be chunked.
func (c *cluster) send(method, path, body string, chunked bool) response {
	var content io.Reader = strings.NewReader(body)
	if chunked {
		content = struct{ io.Reader }{content}
	}
	return c.doRequest(method, c.url(1, path), content)
}

// requireOperations looks at everything that an operation would leave behind on node 1.
func (c *cluster) requireOperations(t *testing.T, want uint64) {
	t.Helper()
	answer, err := c.client.Get(c.url(1, "/v1/status"))
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	var s Status
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&s))
	require.Equal(t, Requests{Done: want}, *s.Requests)
	page, err := c.client.Get(c.url(1, "/metrics"))
	require.NoError(t, err)
	defer func() { require.NoError(t, page.Body.Close()) }()
	metrics, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	counted := strings.Contains(string(metrics), "ordeal_node_requests_total{")
	require.Equal(t, want > 0, counted, "local reads and learns are counted here")
	if want == 0 {
		require.Zero(t, s.Keys)
		require.Equal(t, Ballots{}, *s.Ballots)
		require.Equal(t, Reads{}, *s.Reads)
	}
}
