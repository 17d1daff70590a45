package server

import (
	"encoding/json"
	"net/http"

	"ordeal/node/paxos"
	"ordeal/node/replica"
)

type valueReply struct {
	Value *string `json:"value"`
}

type swapReply struct {
	Applied bool    `json:"applied"`
	Value   *string `json:"value"`
}

type chosenReply struct {
	Chosen *string `json:"chosen"`
}

type learnedReply struct {
	Learned *string `json:"learned"`
}

// An outcomeReply says that an operation was not applied, or is unknown, and why.
type outcomeReply struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

func outcomeOf(answer replica.Answer) outcomeReply {
	return outcomeReply{Outcome: answer.Outcome.String(), Reason: answer.Reason}
}

// A mistake is what is wrong with a request, which had no effect.
type mistake struct {
	status int
	text   string
}

func (m *mistake) reply(w http.ResponseWriter) {
	reply(w, m.status, struct {
		Error string `json:"error"`
	}{m.text})
}

// reply writes a JSON document. A client that is gone does not hear it.
func reply(w http.ResponseWriter, status int, document any) {
	data, err := json.Marshal(document)
	if err != nil {
		panic("server: a reply that is not JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}

// textOf returns what a result holds, nil for nothing.
func textOf(result paxos.Result) *string {
	if !result.Present {
		return nil
	}
	content := string(result.Content)
	return &content
}
