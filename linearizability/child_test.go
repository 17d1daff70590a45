package linearizability

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childRole is set in the processes that tests start of themselves, to what they are to do.
const childRole = "ORDEAL_TEST_CHILD"

// playChild does what this process was started for, and tells whether that was anything.
func playChild() bool {
	switch os.Getenv(childRole) {
	case "search":
		if err := ServeSearch(context.Background(), os.Stdin, os.Stdout); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	case "hang":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "hog":
		if err := limitMemory(64 << 20); err != nil {
			os.Exit(3)
		}
		var hog [][]byte
		for range 64 {
			hog = append(hog, make([]byte, 16<<20))
		}
		runtime.KeepAlive(hog)
	default:
		return false
	}
	return true
}

// child returns an Option.Child that starts this program in a role.
func child(role string) func(context.Context) *exec.Cmd {
	return func(ctx context.Context) *exec.Cmd {
		command := exec.CommandContext(ctx, os.Args[0])
		command.Env = append(os.Environ(), childRole+"="+role)
		return command
	}
}

// outOfMemory matches what is said of a search in a child that needed more than 64 MiB. What the
// race detector takes for itself counts in the kernel's limit, so that with it a child may die
// before it gives up.
var outOfMemory = func() string {
	pattern := "^out of memory: it needed more than 64 MiB"
	if raceDetector {
		pattern += "|^the process that searched died: "
	}
	return pattern
}()

// What cannot be finished ends in another process, and everything else has its answer.
func TestSearchesThatExplodeDoSoInAnotherProcess(t *testing.T) {
	ops := explosion(t)
	report := check(t, ops, Options{Budget: ample, Memory: 64 << 20, Child: child("search")})
	require.Equal(t, Illegal, report.Verdict)
	for _, k := range report.Keys {
		switch {
		case strings.HasPrefix(k.Key, "explodes"):
			require.Equal(t, Unknown, k.Verdict, k.Key)
			require.Regexp(t, outOfMemory, k.Reason)
		case k.Key == "illegal":
			require.Equal(t, Illegal, k.Verdict)
		default:
			require.Equal(t, Legal, k.Verdict, k.Key)
		}
	}
	require.Len(t, report.Violations, 1)
}

// A key that takes a while is judged and explained by a child as it is by this process.
func TestAChildAnswersAsThisProcessDoes(t *testing.T) {
	ops := slices.Concat(
		rename(parse(t, "c1 write 1 0..1\nc2 write 1 2..3\nc3 write 2 4..5\nc4 read 1 6..7"),
			"repeated", 100),
		duplicates("wide", 14, 1000))
	here := check(t, ops, Options{Budget: ample})
	g := newGuard(memoryDefault)
	defer g.close()
	s := newSchedule(t.Context(), ample, 1, g)
	s.child = child("search")
	for i, j := range partition(Register(), ops) {
		j.prepared = prepare(j.ops)
		answer, err := s.ask(newChildRequest(j.ops, ample, 512<<20))
		require.NoError(t, err)
		require.Equal(t, here.Keys[i].Verdict, answer.Verdict)
		require.Equal(t, Illegal, answer.Verdict)
		j.inChild = true
		e := s.explain(j, 1)
		require.Equal(t, here.Violations[i].Sentence, e.Sentence)
		require.Equal(t, here.Violations[i].Class, e.Class)
		require.Equal(t, here.Violations[i].Confirmed, e.Confirmed)
		require.Len(t, e.Operations, len(here.Violations[i].Operations))
		for n, in := range e.Operations {
			require.Equal(t, here.Violations[i].Operations[n].Text, in.Text)
		}
	}
}

func TestAChildThatFailsCostsNoOtherKey(t *testing.T) {
	ops := slices.Concat(duplicates("hard", 40, 1000), parse(t, "c1 write 1 0..1\nc2 read 1 2..3"))
	for name, test := range map[string]struct {
		child  func(context.Context) *exec.Cmd
		reason string
	}{
		"it dies": {
			func(ctx context.Context) *exec.Cmd {
				return exec.CommandContext(ctx, "sh", "-c", "echo 'fatal error: no more' >&2; kill -9 $$")
			},
			"^the process that searched died: signal: killed: fatal error: no more$"},
		"it says nothing": {
			func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "true") },
			"^the process that searched died: "},
		"it hangs": {child("hang"), "^out of time: no answer within its share of the time budget$"},
		"there is none": {
			func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "./not-there") },
			"^out of (memory|time): "},
	} {
		t.Run(name, func(t *testing.T) {
			report := check(t, ops, Options{
				Budget: 2 * time.Second, Memory: 64 << 20, Child: test.child})
			require.Equal(t, Unknown, report.Verdict)
			require.Regexp(t, test.reason, report.Keys[0].Reason)
			require.Equal(t, Legal, report.Keys[1].Verdict)
		})
	}
}

// Whoever asked may be killed: then nobody needs the answer.
func TestAChildEndsWithItsParent(t *testing.T) {
	command := child("search")(t.Context())
	in, err := command.StdinPipe()
	require.NoError(t, err)
	var said complaint
	command.Stderr = &said
	require.NoError(t, command.Start())
	request, err := json.Marshal(
		newChildRequest(pointers(duplicates("hard", 60, 1000)), time.Hour, 1<<30))
	require.NoError(t, err)
	_, err = in.Write(request)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.Error(t, command.Wait())
	require.Equal(t, ": whoever asked is gone", said.line())
}

// The limit is the kernel's, where there is one.
func TestTheKernelEndsAChildThatTakesTooMuch(t *testing.T) {
	if runtime.GOOS != "linux" || raceDetector {
		t.Skip("only Linux counts a Go program's memory so, and not with the race detector")
	}
	output, err := child("hog")(t.Context()).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(output), "out of memory")
}
