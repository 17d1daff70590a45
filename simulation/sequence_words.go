package simulation

import (
	"ordeal/history"
	"ordeal/node/paxos"
)

// valueMax bounds a value in a label, in bytes.
const valueMax = 24

func brief(value string) string {
	if len(value) > valueMax {
		return value[:valueMax] + "…"
	}
	return value
}

// ask says what an operation asks for.
func ask(op *history.Operation, withKey bool) string {
	key := ""
	if withKey {
		key = " " + op.Key
	}
	switch op.Kind {
	case history.Read, history.Learn:
		return string(op.Kind) + key
	case history.CompareAndSet:
		return "cas" + key + " " + value(op.Expected) + "→" + value(op.Value)
	default:
		return string(op.Kind) + key + " " + value(op.Value)
	}
}

func value(v history.Value) string {
	if !v.IsSet() {
		return "nothing"
	}
	return brief(v.Text())
}

// told says what a client is told of an operation.
func told(op *history.Operation) string {
	switch {
	case op.Outcome == history.Fail:
		return "fails (" + op.Error + ")"
	case op.Outcome != history.OK:
		return "unknown (" + op.Error + ")"
	case op.Kind == history.Write, op.Applied:
		return "done"
	case op.Kind == history.CompareAndSet:
		return "not applied, saw " + value(op.Returned)
	default:
		return "= " + value(op.Returned)
	}
}

// describe says what a datagram says: all of it, and without what only its sender needs.
func describe(m *paxos.Message) (text, short string) {
	short = m.Kind.String() + " " + m.Ballot.String()
	switch m.Kind {
	case paxos.Accept:
		short += " = " + content(m.Proposal.State)
		return short + along(m.Next), short
	case paxos.Promise:
		short += ", accepted " + proposed(m.Proposal)
		return short, short
	case paxos.Accepted:
		return short + along(m.Next), short
	case paxos.Refusal:
		short = "refuses " + m.Refused.String() + " " + m.Ballot.String() + ", promised " +
			m.Promised.String()
		return short, short
	case paxos.Query:
		return "query", "query"
	case paxos.Report:
		short = "report: accepted " + proposed(m.Proposal)
		return short, short
	}
	return short, short
}

// along says which ballot is promised along with a proposal.
func along(next paxos.Ballot) string {
	if next.IsZero() {
		return ""
	}
	return ", next " + next.String()
}

func proposed(p paxos.Proposal) string {
	if p.Ballot.IsZero() {
		return "nothing"
	}
	return p.Ballot.String() + " = " + content(p.State)
}

func content(s paxos.State) string {
	if !s.Present {
		return "nothing"
	}
	return brief(string(s.Content))
}
