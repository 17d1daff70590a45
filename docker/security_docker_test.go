package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// A table is one of SECURITY.md: by the first cell of each row, the others by their column.
type table map[string]map[string]string

// documented reads the table of SECURITY.md whose first column is called first.
func documented(t *testing.T, first string) table {
	t.Helper()
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	rows := make(table)
	var columns []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			columns = nil
		case columns == nil:
			columns = cells
		case columns[0] == first && strings.Trim(cells[0], "-") != "":
			require.Len(t, cells, len(columns), line)
			require.NotContains(t, rows, cells[0], "one row for each")
			rows[cells[0]] = make(map[string]string)
			for i, cell := range cells {
				require.NotEmpty(t, cell, line)
				rows[cells[0]][columns[i]] = cell
			}
		}
	}
	require.NotEmpty(t, rows, "SECURITY.md has no table that begins with %q", first)
	return rows
}

// A witness stands between a cluster and the engine. It looks at every container at the moment when
// it is to be started, so that none is missed however short its life is, and takes down what else
// the engine is asked for.
type witness struct {
	engine *Engine

	mu       sync.Mutex
	requests map[string]bool
	started  []container.InspectResponse
	failures []error
}

var (
	versionOfPath = regexp.MustCompile(`^/v[0-9.]+`)
	startOfPath   = regexp.MustCompile(`^/containers/([^/]+)/start$`)
	archiveOfPath = regexp.MustCompile(`^/containers/([^/]+)/archive$`)
)

// shape returns a request without what is particular to it: no version, no names, no query.
func shape(r *http.Request) string {
	parts := strings.Split(versionOfPath.ReplaceAllString(r.URL.Path, ""), "/")
	if len(parts) > 2 && parts[2] != "create" && parts[2] != "json" {
		parts[2] = "…"
	}
	return r.Method + " " + strings.Join(parts, "/")
}

// look takes down one request, and lets it pass.
func (w *witness) look(_ http.ResponseWriter, r *http.Request) (answered bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests[shape(r)] = true
	path := versionOfPath.ReplaceAllString(r.URL.Path, "")
	if match := startOfPath.FindStringSubmatch(path); match != nil {
		details, err := w.engine.api.ContainerInspect(r.Context(), match[1])
		w.note(err)
		w.started = append(w.started, details)
	}
	if match := archiveOfPath.FindStringSubmatch(path); match != nil {
		w.note(w.checkArchive(r, match[1]))
	}
	return false
}

func (w *witness) note(err error) {
	if err != nil {
		w.failures = append(w.failures, err)
	}
}

// checkArchive checks that what is sent into a container is not compressed, and that the container
// has never run: then nothing of its image has a part in the unpacking.
func (w *witness) checkArchive(r *http.Request, id string) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if _, err := tar.NewReader(bytes.NewReader(body)).Next(); err != nil {
		return fmt.Errorf("an archive for a container is no plain one: %w", err)
	}
	details, err := w.engine.api.ContainerInspect(r.Context(), id)
	if err != nil {
		return err
	}
	if details.State.Status != container.StateCreated {
		return fmt.Errorf("an archive is sent into a container that is %s", details.State.Status)
	}
	return nil
}

// describe says what a container is in the words of the table of SECURITY.md.
func (c *Cluster) describe(t *testing.T, details container.InspectResponse) map[string]string {
	t.Helper()
	host := details.HostConfig
	require.NotNil(t, host.PidsLimit)
	return map[string]string{
		"container":        details.Config.Labels[labelRole],
		"runs as":          "`" + details.Config.User + "`",
		"capabilities":     quoted(host.CapAdd),
		"network":          c.describeNetwork(details),
		"mounts":           c.describeMounts(t, details),
		"root file system": choose(host.ReadonlyRootfs, "read-only", "writable"),
		"limits": fmt.Sprintf("%d MiB, %d processes, log %s",
			host.Memory>>20, *host.PidsLimit, describeLog(details)),
	}
}

func (c *Cluster) describeNetwork(details container.InspectResponse) string {
	host := details.HostConfig
	text := "`" + string(host.NetworkMode) + "`"
	name := details.Config.Labels[labelNode]
	switch agent, joined := strings.CutPrefix(string(host.NetworkMode), "container:"); {
	case joined && c.byName[name] != nil && agent == c.byName[name].agent:
		text = "its agent's"
	case string(host.NetworkMode) == c.network.id:
		text = "the run's bridge"
	}
	for port, bindings := range host.PortBindings {
		for _, binding := range bindings {
			what := choose(port == c.clientPort(), "the client port", string(port))
			text += fmt.Sprintf("; %s on `%s`", what, binding.HostIP)
		}
	}
	return text + choose(host.PublishAllPorts, "; all ports on all addresses", "")
}

// describeMounts looks at what is mounted, and not at what was asked for: an image can have volumes
// of its own.
func (c *Cluster) describeMounts(t *testing.T, details container.InspectResponse) string {
	t.Helper()
	var all []string
	for _, m := range details.Mounts {
		text := fmt.Sprintf("%s `%s` at `%s`", m.Type, m.Source, m.Destination)
		if m.Type == mount.TypeVolume {
			found, err := c.engine.api.VolumeInspect(context.Background(), m.Name)
			require.NoError(t, err)
			if found.Labels[labelRun] == c.config.RunID && found.Labels[labelRole] == roleData &&
				found.Labels[labelNode] == details.Config.Labels[labelNode] {
				text = fmt.Sprintf("the node's volume at `%s`", m.Destination)
			}
		}
		all = append(all, text+choose(m.RW, "", ", read-only"))
	}
	for path := range details.HostConfig.Tmpfs {
		all = append(all, fmt.Sprintf("memory at `%s`", path))
	}
	return choose(len(all) == 0, "none", strings.Join(all, ", "))
}

// describeLog leaves out the size of a wiper's log, one line, which the engine's defaults limit.
func describeLog(details container.InspectResponse) string {
	log := details.HostConfig.LogConfig
	text := "`" + log.Type + "`"
	if size := log.Config["max-size"]; size != "" && details.Config.Labels[labelRole] != roleWiper {
		text += fmt.Sprintf(" of %s × %s", log.Config["max-file"], size)
	}
	return text
}

// describeCommon says what is the same for all containers.
func describeCommon(details container.InspectResponse) map[string]string {
	host := details.HostConfig
	core := "none"
	for _, limit := range host.Ulimits {
		if limit.Name == "core" {
			core = fmt.Sprint(max(limit.Soft, limit.Hard))
		}
	}
	var shared []string
	for name, is := range map[string]bool{
		"pid": host.PidMode.IsHost(), "ipc": host.IpcMode.IsHost(), "uts": host.UTSMode.IsHost(),
		"user": host.UsernsMode.IsHost(), "network": host.NetworkMode.IsHost(),
	} {
		if is {
			shared = append(shared, name)
		}
	}
	var labels []string
	ofImage := ""
	for name := range details.Config.Labels {
		if name == labelImage {
			ofImage = ", and `" + labelImage + "` from the image"
		} else {
			labels = append(labels, name)
		}
	}
	devices := len(host.Devices) + len(host.DeviceRequests) + len(host.DeviceCgroupRules)
	return map[string]string{
		"privileged":             choose(host.Privileged, "yes", "no"),
		"capabilities dropped":   quoted(host.CapDrop),
		"security options":       quoted(host.SecurityOpt),
		"restart policy":         quoted([]string{string(host.RestartPolicy.Name)}),
		"core dumps, in bytes":   core,
		"namespaces of the host": quoted(shared),
		"directories of the host": quoted(slices.DeleteFunc(slices.Clone(host.Binds),
			func(bind string) bool { return bind == "" })),
		"devices of the host": choose(devices == 0, "none", fmt.Sprint(devices)),
		"labels":              quoted(labels) + ofImage,
	}
}

func choose(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// quoted lists words as the tables do, capabilities as they are asked for: engines may give them a
// prefix.
func quoted(words []string) string {
	var all []string
	for _, word := range slices.Sorted(slices.Values(words)) {
		all = append(all, "`"+strings.TrimPrefix(word, "CAP_")+"`")
	}
	return choose(len(all) == 0, "none", strings.Join(all, ", "))
}

// requireDocumented requires that a container is what the tables say.
func (c *Cluster) requireDocumented(t *testing.T, kinds table, details container.InspectResponse) {
	t.Helper()
	row := maps.Clone(kinds[details.Config.Labels[labelRole]])
	require.NotNil(t, row, "SECURITY.md has no row for %s", details.Config.Labels[labelRole])
	delete(row, "why")
	require.Equal(t, row, c.describe(t, details), details.Name)
	common := make(map[string]string)
	for setting, cells := range documented(t, "setting") {
		common[setting] = cells["value"]
	}
	require.Equal(t, common, describeCommon(details), details.Name)
	require.Equal(t, c.config.RunID, details.Config.Labels[labelRun])
	require.Equal(t, c.config.owner.String(), details.Config.Labels[labelOwner])
}

// SECURITY.md says what each container may and what the engine is asked for. Here a run with every
// fault that takes the engine is compared with it, in both directions.
func TestContainersAreAsDocumented(t *testing.T) {
	w := &witness{engine: engineOf(t), requests: make(map[string]bool)}
	engineBehind(t, w.look)
	config := forgetfulConfig(2)
	config.Memory = 0 // the default, which the document tells
	config.Kinds = []nemesis.Kind{nemesis.Partition, nemesis.Pause}
	c := startCluster(t, config)
	for _, kind := range []nemesis.Kind{nemesis.Kill, nemesis.Stop, nemesis.Pause, nemesis.Wipe} {
		f := faultOf(kind, string(kind), "n1")
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
	}
	require.NoError(t, c.CollectLogs(t.Context(), t.TempDir()))

	// The test's own questions go past the witness.
	direct := &Cluster{engine: w.engine, config: c.config, network: c.network, byName: c.byName}
	kinds := documented(t, "container")
	seen := make(map[string]int)
	ids := make(map[string]bool)
	w.mu.Lock()
	started, failures := slices.Clone(w.started), slices.Clone(w.failures)
	w.mu.Unlock()
	require.Empty(t, failures)
	for _, details := range started {
		direct.requireDocumented(t, kinds, details)
		if !ids[details.ID] {
			seen[details.Config.Labels[labelRole]]++
		}
		ids[details.ID] = true
	}
	require.Equal(t, map[string]int{roleAgent: 2, roleNode: 2, roleWiper: 1}, seen)
	require.Len(t, kinds, len(seen), "every row is about a container that there is")

	list, err := w.engine.api.ContainerList(t.Context(), container.ListOptions{
		All: true, Filters: withLabel(labelRun, config.RunID),
	})
	require.NoError(t, err)
	require.Len(t, list, 4)
	for _, found := range list {
		require.True(t, ids[found.ID], "%s passed by unseen", found.Names)
		details, err := w.engine.api.ContainerInspect(t.Context(), found.ID)
		require.NoError(t, err)
		direct.requireDocumented(t, kinds, details)
		for port, bindings := range details.NetworkSettings.Ports {
			for _, binding := range bindings {
				require.Equal(t, "127.0.0.1", binding.HostIP, port)
			}
		}
		t.Run("kernel/"+strings.TrimPrefix(details.Name, "/"), func(t *testing.T) {
			requireInForce(t, kinds, details)
		})
	}
	require.NoError(t, c.Close(t.Context()))
	w.requireRequestsDocumented(t)
}

// requireInForce asks the kernel what holds for every process of a container.
func requireInForce(t *testing.T, kinds table, details container.InspectResponse) {
	t.Helper()
	row := kinds[details.Config.Labels[labelRole]]
	const none = "0000000000000000"
	// The number of NET_ADMIN is 12 (linux/capability.h).
	sets := map[string]string{"none": none, "`NET_ADMIN`": "0000000000001000"}
	require.Contains(t, sets, row["capabilities"])
	set := sets[row["capabilities"]]
	user, _, _ := strings.Cut(strings.Trim(row["runs as"], "`"), ":")
	want := map[string]string{
		"CapEff": set, "CapPrm": set, "CapBnd": set, "CapAmb": none, "NoNewPrivs": "1",
		"Uid": strings.Join([]string{user, user, user, user}, `\t`),
	}
	found := 0
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	require.NoError(t, err)
	for _, path := range groups {
		group, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(group, []byte(details.ID)) {
			continue // another's process, or one that has ended meanwhile
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		require.NoError(t, err)
		ids, err := os.ReadFile(filepath.Join(filepath.Dir(path), "uid_map"))
		require.NoError(t, err)
		if !regexp.MustCompile(`^\s*0\s+0\s`).Match(ids) {
			delete(want, "Uid") // an engine with a user namespace gives it another number here
		}
		for name, value := range want {
			require.Regexp(t, `(?m)^`+name+`:\s+`+value+`$`, string(status), path)
		}
		found++
	}
	if found == 0 {
		t.Skip("the containers' processes are not in this /proc: the engine is elsewhere")
	}
}

// requireRequestsDocumented requires that the engine was asked for what SECURITY.md says, and for
// nothing else. What depends on which images the engine has, and where it is, need not have been
// seen.
func (w *witness) requireRequestsDocumented(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	told := make(map[string]bool)
	for request := range documented(t, "request to the engine") {
		told[strings.Trim(request, "`")] = true
	}
	for request := range w.requests {
		require.True(t, told[request], "SECURITY.md does not tell of %s", request)
	}
	sometimes := []string{
		"POST /images/create", "GET /images/json", "DELETE /images/…", "GET /containers/…/stats",
	}
	for request := range told {
		require.True(t, w.requests[request] || slices.Contains(sometimes, request),
			"SECURITY.md tells of %s, which nobody asks for", request)
	}
}

// Two processes can give their runs the same ID. What the one made is not removed for the other,
// neither by its Close nor when what the other has left is removed.
func TestEndOfARunSparesOtherOwnersOfItsID(t *testing.T) {
	config := toyConfig(1)
	c := startCluster(t, config)
	other := &Cluster{engine: c.engine, config: c.config}
	// One that lives: what belongs to the dead is removed by whoever else starts a run meanwhile.
	started, err := processStart(os.Getppid())
	require.NoError(t, err)
	other.config.owner.pid, other.config.owner.started = os.Getppid(), started
	theirs := ofOwner(config.RunID, other.config.owner.String())
	makeSome := func() {
		_, err := c.engine.api.NetworkCreate(t.Context(), "ordeal-"+config.RunID+"-other",
			network.CreateOptions{Labels: other.labels(roleNetwork, "")})
		require.NoError(t, err)
		made, err := c.engine.api.VolumeCreate(t.Context(), volume.CreateOptions{
			Labels: other.labels(roleData, "n1"),
		})
		require.NoError(t, err)
		_, err = c.engine.api.ContainerCreate(t.Context(), &container.Config{
			Image: c.image, Cmd: []string{programPath}, Labels: other.labels(roleNode, "n1"),
		}, &container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{
			{Type: mount.TypeVolume, Source: made.Name, Target: dataPath},
		}}, nil, nil, "")
		require.NoError(t, err)
	}
	requireLeft := func(containers, networks, volumes int) {
		left, err := c.engine.Count(t.Context(), config.RunID)
		require.NoError(t, err)
		want := Removed{Containers: containers, Networks: networks, Volumes: volumes}
		require.Equal(t, want, left)
	}
	t.Cleanup(func() { _, _ = c.engine.removeRuns(context.Background(), theirs) })
	makeSome()
	requireLeft(3, 2, 2)
	_, err = c.engine.removeStale(t.Context(), func(r remains) bool {
		return r.id == config.RunID && r.owner == other.config.owner.String()
	})
	require.NoError(t, err)
	requireLeft(2, 1, 1)
	require.NoError(t, probe(t, c, "n1"), "what is left is the living run")

	makeSome()
	require.NoError(t, c.Close(t.Context()))
	requireLeft(1, 1, 1)
	removed, err := c.engine.removeRuns(t.Context(), theirs)
	require.NoError(t, err)
	require.Equal(t, Removed{Containers: 1, Networks: 1, Volumes: 1}, removed, "it was theirs")
}
