package results

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ordeal/history"
	"ordeal/linearizability"
)

// faultLinesMax bounds how many faults the summary lists; run.json has them all.
const faultLinesMax = 20

// SummaryOptions say how a summary is written.
type SummaryOptions struct {
	// Directory is where the run is kept, to be named.
	Directory string
	Color     bool
	// Quiet leaves out everything but the verdict and its reasons.
	Quiet bool
}

// WriteSummary tells a person what a run did and what came of it.
func WriteSummary(w io.Writer, r Run, o SummaryOptions) {
	if !o.Quiet {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		writeCounts(table, r)
		table.Flush()
		fmt.Fprintln(w)
	}
	writeFindings(w, r.Findings, o.Color)
	if len(r.Findings) > 0 && !o.Quiet {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s (exit %d) · seed %d · %s\n",
		paint(o.Color, r.Verdict), r.ExitCode, r.Plan.Seed, o.Directory)
	if !o.Quiet && len(r.Drawings) > 0 {
		fmt.Fprintf(w, "drawn: %s\n", strings.Join(r.drawings(o.Directory), ", "))
	}
	if !o.Quiet && r.Verdict != Pass {
		fmt.Fprintf(w, "again: %s\n", r.Command)
	}
}

// writeFindings lists what was found. What reads the same stands there once, with a count.
func writeFindings(w io.Writer, findings []Finding, color bool) {
	for i, f := range findings {
		same := func(other Finding) bool {
			return other.Verdict == f.Verdict && other.What == f.What &&
				slices.Equal(other.Detail, f.Detail)
		}
		if slices.ContainsFunc(findings[:i], same) {
			continue
		}
		count := 1
		for _, other := range findings[i+1:] {
			if same(other) {
				count++
			}
		}
		fmt.Fprintf(w, "%s: %s", paint(color, f.Verdict), f.What)
		if count > 1 {
			fmt.Fprintf(w, " (%d times)", count)
		}
		fmt.Fprintln(w)
		for _, line := range f.Detail {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
}

// drawings returns the paths of the pictures.
func (r Run) drawings(directory string) []string {
	var paths []string
	for _, name := range r.Drawings {
		paths = append(paths, filepath.Join(directory, name))
	}
	return paths
}

func writeCounts(w io.Writer, r Run) {
	o := r.Operations
	if o.Total == 0 {
		fmt.Fprintf(w, "operations\tnone\n")
		return
	}
	fmt.Fprintf(w, "operations\t%d: %d ok, %d fail, %d unknown\n", o.Total, o.OK, o.Fail, o.Info)
	for _, kind := range slices.Sorted(maps.Keys(o.Kinds)) {
		k := o.Kinds[kind]
		fmt.Fprintf(w, "  %s\t%d ok, %d fail, %d unknown\n", kind, k.OK, k.Fail, k.Info)
	}
	if early := r.EndedEarly; early != nil {
		fmt.Fprintf(w, "ended early\tat %.2f s: %s (--fail-fast)\n", early.At.Seconds(), early)
	}
	writeFaults(w, r)
	writeWindows(w, r)
	writeRecovery(w, r)
	if r.FinalReads.Asked > 0 {
		fmt.Fprintf(w, "final reads\t%d of %d answered, %d keys unread\n",
			r.FinalReads.Answered, r.FinalReads.Asked, r.FinalReads.Unread)
	}
	if r.Check != nil {
		fmt.Fprintf(w, "check\t%s\n", CheckLine(r.Check.Linearizability))
	}
	if r.Trace != nil {
		fmt.Fprintf(w, "trace\t%s, %d events: the same plan gives the same in this build\n",
			r.Trace.Hash, r.Trace.Events)
	}
}

// writeWindows tells where success was asked for while faults were in force.
func writeWindows(w io.Writer, r Run) {
	if len(r.Windows) == 0 {
		return
	}
	majority, asked := 0, 0
	for _, window := range r.Windows {
		if len(window.Core) > 0 {
			majority++
		}
	}
	for _, span := range r.Spans {
		if span.Asked {
			asked++
		}
	}
	fmt.Fprintf(w, "windows\t%d with faults in force, %d of them left a majority; success was "+
		"asked for %d times of a node\n", len(r.Windows), majority, asked)
}

func writeRecovery(w io.Writer, r Run) {
	switch {
	case r.Recovery.Proved:
		fmt.Fprintf(w, "recovery\tproved %s after the last heal\n", short(r.Recovery.Duration))
	case r.Recovery.Missing == "":
		fmt.Fprintf(w, "recovery\tnot come to\n")
	default:
		fmt.Fprintf(w, "recovery\tnot proved\n")
	}
	if len(r.Recovery.FirstOK) > 0 {
		fmt.Fprintf(w, "  first ok\t%s\n", perNode(r.Recovery.FirstOK))
	}
	if len(r.Recovery.Lost) > 0 {
		fmt.Fprintf(w, "  lost\t%s: wiped, and asked nothing any more\n",
			strings.Join(r.Recovery.Lost, " "))
	}
}

// perNode lists times by node: "n1 12ms, n2 30ms".
func perNode(times map[string]time.Duration) string {
	var parts []string
	for _, node := range slices.Sorted(maps.Keys(times)) {
		parts = append(parts, node+" "+short(times[node]))
	}
	return strings.Join(parts, ", ")
}

// CheckLine says in a line what the check of a history came to.
func CheckLine(report linearizability.Report) string {
	counts := report.Counts
	var by []string
	for _, m := range []linearizability.Method{
		linearizability.ByWitness, linearizability.ByCertificate, linearizability.BySearch,
	} {
		if counts.Methods[m] > 0 {
			by = append(by, fmt.Sprintf("%d by %s", counts.Methods[m], m))
		}
	}
	how := ""
	if len(by) > 0 {
		how = " (" + strings.Join(by, ", ") + ")"
	}
	return fmt.Sprintf("%s: %d operations judged on %d keys%s, %d illegal, %d undecided, in %s",
		report.Verdict, report.Operations, counts.Total(), how, counts.Illegal,
		counts.Unknown+counts.Disputed, short(report.Duration))
}

func writeFaults(w io.Writer, r Run) {
	skipped, effective, healed := 0, 0, 0
	for _, f := range r.Faults {
		if f.Phase == history.Skipped {
			skipped++
		}
		if f.Effective {
			effective++
		}
		if f.Healed {
			healed++
		}
	}
	fmt.Fprintf(w, "faults\t%d injected: %d shown to bite, %d shown to be healed; %d skipped\n",
		len(r.Faults)-skipped, effective, healed, skipped)
	for i, f := range r.Faults {
		if i == faultLinesMax {
			fmt.Fprintf(w, "  \t… and %d more, in %s\n", len(r.Faults)-i, RunFile)
			break
		}
		fmt.Fprintf(w, "  %s\t%s\n", f.ID, f)
	}
}

// String says in a line what a fault was and what became of it.
func (f Fault) String() string {
	if f.Phase == history.Skipped {
		return f.Text + ", skipped: " + f.Reason
	}
	bit, healed := "NOT shown to bite", "NOT shown to be healed"
	if f.Effective {
		bit = "bit"
	}
	switch {
	case f.Healed:
		healed = "healed"
	case f.Stays:
		healed = "stays"
	}
	end := "the end"
	if f.HealedAt > 0 {
		end = fmt.Sprintf("%.2f s", f.HealedAt.Seconds())
	}
	return fmt.Sprintf("%s, %.2f s to %s, %s, %s",
		f.Text, f.InjectedAt.Seconds(), end, bit, healed)
}

func short(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// paint writes a verdict in its color, where colors are wanted.
func paint(color bool, v Verdict) string {
	if !color {
		return string(v)
	}
	code := map[Verdict]string{Violation: "1;31", Harness: "1;35", Pass: "1;32"}[v]
	if code == "" {
		code = "1;33"
	}
	return "\x1b[" + code + "m" + string(v) + "\x1b[0m"
}
