package harness

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
)

const (
	// examineTimeout bounds each part of the trial of one kind of fault. It is more than an
	// environment takes to give up by itself, with a better reason.
	examineTimeout = 40 * time.Second
	// examineFor is how long a fault of a trial stays in force.
	examineFor = 200 * time.Millisecond
)

// A Trial is what came of injecting a fault to see whether that is possible.
type Trial struct {
	Kind nemesis.Kind
	// Fault says what was injected, in words.
	Fault string
	// Bites is what was measured when it was injected, Heals when it was healed.
	Bites, Heals history.Evidence
	// BiteTime and HealTime are how long it took until each was shown.
	BiteTime, HealTime time.Duration
	// Err is why the fault cannot be injected here, or was not shown to bite or to be healed; nil
	// if all went well.
	Err error
}

// Examine injects one fault of each kind, one after the other and each on one node, heals it and
// returns what came of it: what can be injected in this environment is tried, not guessed. The last
// node that is left is the victim, and a wipe comes last, since it takes its node for good. The
// environment must be fresh and idle; an error of ctx ends the trials, with those that were made.
func Examine(ctx context.Context, env Environment) ([]Trial, error) {
	nodes := env.Nodes()
	victim, rest := nodes[len(nodes)-1], nodes[:len(nodes)-1]
	env.OnExit(func(string, string, bool) {})
	env.OnFailure(func(error) {})
	var trials []Trial
	for i, kind := range nemesis.ContainerKinds() {
		f := nemesis.Fault{
			ID: fmt.Sprintf("t%d", i+1), For: examineFor, Kind: kind, Nodes: []string{victim},
		}
		if kind == nemesis.Partition {
			f.Name, f.Nodes = nemesis.NameIsolateOne, nil
			f.Cut = nemesis.Split([]string{victim}, rest)
		}
		trial, err := try(ctx, env, f)
		trials = append(trials, trial)
		if err != nil {
			return trials, err
		}
	}
	return trials, nil
}

// try injects and heals one fault.
func try(ctx context.Context, env Environment, f nemesis.Fault) (Trial, error) {
	trial := Trial{Kind: f.Kind, Fault: f.String()}
	if trial.Err = env.Unable(f.Kind); trial.Err != nil {
		return trial, nil
	}
	var injected, healed error
	began := env.Now()
	err := trial.await(ctx, env, func(done func()) {
		env.Inject(f, func(e history.Evidence, err error) {
			trial.Bites, injected, trial.BiteTime = e, err, env.Now()-began
			done()
		})
	})
	if trial.Err != nil || err != nil {
		return trial, err
	}
	if errors.Is(injected, nemesis.ErrPrecondition) {
		trial.Err = injected
		return trial, nil
	}
	err = trial.await(ctx, env, func(done func()) { env.After(examineFor, done) })
	if err == nil {
		began = env.Now()
		err = trial.await(ctx, env, func(done func()) {
			env.Heal(f, func(e history.Evidence, err error) {
				trial.Heals, healed, trial.HealTime = e, err, env.Now()-began
				done()
			})
		})
	}
	if trial.Err == nil {
		trial.Err = errors.Join(injected, healed)
	}
	switch {
	case err != nil || trial.Err != nil:
	case !trial.Bites.Shown:
		trial.Err = fmt.Errorf("it was not shown to bite: %s", disagreement(trial.Bites))
	case !trial.Heals.Shown:
		trial.Err = fmt.Errorf("it was not shown to be healed: %s", disagreement(trial.Heals))
	}
	return trial, err
}

// await lets the environment go on until what begins has called done. That it does not in time is
// the trial's failure; an error is that of ctx.
func (t *Trial) await(ctx context.Context, env Environment, begin func(done func())) error {
	limited, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	over := false
	begin(func() { over = true })
	for !over {
		if err := env.Step(limited); err != nil && ctx.Err() == nil {
			t.Err = fmt.Errorf("no end of it within %v", examineTimeout)
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// disagreement returns the first measurement that does not show what was meant.
func disagreement(e history.Evidence) string {
	for _, m := range e.Measurements {
		if !m.Shows {
			return fmt.Sprintf("%s: %s: %s", m.Subject, m.What, m.Value)
		}
	}
	return "nothing was measured"
}
