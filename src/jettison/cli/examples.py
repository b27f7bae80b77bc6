"""Three examples for each command, which its help ends with.

In:  the words of a command.
Out: lines to type, each with what it does.

A test takes care that every command has three and that each is understood.
"""

from __future__ import annotations

from collections.abc import Sequence

from jettison.cli.names import canonical

_TEXT = """
= build
jettison build -t app .  # the Dockerfile of this directory becomes the image `app`
jettison build --target test --progress plain .  # one stage, with all its output
jettison build -t registry.example.com/app:1 --push --build-arg VERSION=1 .  # built and pushed

= run
jettison run --rm -it alpine sh  # a shell in a container that is removed afterwards
jettison run -d --name web -p 8080:80 nginx  # a server in the background, on a port of this host
jettison run --rm -v "$PWD:/src" -w /src node npm test  # a command on the files that are here

= ps
jettison ps  # containers that run
jettison ps -a --filter status=exited  # those that have ended
jettison ps -q --no-trunc  # IDs only, for scripts

= logs
jettison logs web  # all that it has written
jettison logs -f --tail 20 web  # the last 20 lines, and what comes
jettison logs --since 10m -t web  # of the last ten minutes, with times

= exec
jettison exec -it web sh  # a shell in a container that runs
jettison exec web cat /etc/os-release  # one command
jettison exec -u root -w /tmp web id  # as another user, in another directory

= attach
jettison attach web  # follow it, and type to it
jettison attach --no-stdin web  # follow it only
jettison attach --detach-keys ctrl-x web  # ctrl-x leaves it alone

= cp
jettison cp web:/var/log/nginx logs  # a directory out of a container
jettison cp site.conf web:/etc/nginx/conf.d/  # a file into one
jettison cp web:/etc/nginx - > nginx.tar  # as a tar archive

= stop
jettison stop web  # it is asked to end, and killed after ten seconds
jettison stop -t 60 web db  # two of them get a minute
jettison stop -s INT web  # asked by another signal

= kill
jettison kill web  # at once
jettison kill -s HUP web  # a signal that makes many servers read their settings again
jettison kill web db  # two of them

= wait
jettison wait job  # prints its exit status when it has ended
jettison wait job-1 job-2  # until both have ended
exit "$(jettison wait job)"  # a script ends as the container did

= start
jettison start web  # again, with what it had changed
jettison start -a job  # and show what it writes
jettison start -ai shell  # and type to it

= rm
jettison rm job  # one that has ended
jettison rm -f web  # also one that runs
jettison rm job-1 job-2  # several

= executor
jettison executor --context . --destination registry.example.com/app:1  # build and push
jettison executor --context . --no-push --tar-path app.tar  # into an archive
jettison executor --context git://example.com/app.git --no-push  # of a git repository

= images
jettison images  # all of the local store
jettison images --filter dangling=true -q  # IDs of those without a name
jettison images --format '{{.Repository}}:{{.Tag}} {{.Size}}' app  # chosen columns of some

= tag
jettison tag app app:1.0  # another name for the same image
jettison tag app registry.example.com/app:1.0  # the name to push it by
jettison tag app:1.0 app:stable  # move a name

= rmi
jettison rmi app:old  # a name, and the image if that was its last
jettison rmi -f app  # also if a container was made of it
jettison rmi app:1 app:2  # several

= inspect
jettison inspect app  # all facts as JSON
jettison inspect -f '{{.Config.Env}}' app  # one of them
jettison inspect --type container -s web  # of a container, with its size

= history
jettison history app  # the instructions that made it, the last one first
jettison history --no-trunc app  # whole instructions
jettison history --format '{{.Size}} {{.CreatedBy}}' app  # chosen columns

= ls-files
jettison ls-files app  # all paths of an image
jettison ls-files -l --layer app /etc  # what a directory has, and the layer of each
jettison ls-files --sha256 registry.example.com/app:1 '/usr/lib/*.so*'  # without pulling the image

= cat
jettison cat app:/etc/os-release  # a file of an image
jettison cat registry.example.com/app:1:/etc/passwd  # of one in a registry
jettison cat --platform linux/arm64 app:/bin/sh > sh  # of another platform's

= export
jettison export web > web.tar  # the files of a container
jettison export -o app.tar app  # of an image, all layers as one
jettison export registry.example.com/app:1 | tar t  # of one in a registry

= provenance
jettison provenance app  # which stages and lines made its files
jettison provenance app /usr/bin/app  # the way of one path, back to the stage that made it
jettison blame --json app /etc  # the same for programs

= sbom
jettison sbom app  # packages of an image, and the stages that they came from
jettison sbom --stage builder app  # of a stage, with what of them is in the image
jettison sbom --format spdx-json -o app.spdx.json app  # a document for scanners

= copy
jettison copy ghcr.io/org/app:1 registry.example.com/app:1  # this machine's image, to a registry
jettison copy --all docker://alpine oci:mirror:alpine  # all platforms, to a layout directory
jettison copy store:app docker-archive:app.tar:app  # an archive for `docker load`

= merge
jettison merge example.com/app:1 example.com/app:1-amd64 example.com/app:1-arm64  # by tags
jettison merge example.com/app:1 example.com/app@sha256:8f1a…  # of one platform, by its digest
jettison merge --append --dry-run example.com/app:1 example.com/app:1-s390x  # what it would make

= sign
jettison sign --key cosign.key registry.example.com/app:1  # COSIGN_PASSWORD has its password
jettison sign --key env://SIGNING_KEY registry.example.com/app:1  # with a key in a variable
jettison sign registry.example.com/app:1  # without a key: with the identity of the CI job, or yours

= verify
jettison verify --key cosign.pub registry.example.com/app:1  # that this key has signed it
jettison verify --key cosign.pub --type spdx registry.example.com/app:1  # that it lists packages
jettison verify --certificate-identity me@b.c --certificate-oidc-issuer https://id.b.c b.c/a  # who

= report
jettison report app  # what it ships, and what its build left behind
jettison report --report md=report.md app  # as Markdown, for a pull request
jettison report --report json=report.json app  # for programs

= why
jettison why last  # why steps of the last build ran
jettison why app  # of the build that made an image
jettison why app 3  # of one step

= diff
jettison diff app:1 app:2  # what changed between two images
jettison diff app:1 app:2 && echo equal  # the exit status is diff's
jettison diff --json app:1 app:2  # for programs

= save
jettison save -o app.tar app  # an archive that docker loads
jettison save app | gzip > app.tar.gz  # compressed
jettison save -o two.tar app:1 app:2  # two images in one archive

= load
jettison load -i app.tar  # images of an archive
jettison load < app.tar.gz  # compressed ones, too
jettison load ./layout  # of an OCI layout

= pull
jettison pull alpine  # the newest tag
jettison pull --platform linux/arm64 alpine:3.20  # for another platform
jettison pull -a registry.example.com/app  # all tags

= push
jettison push registry.example.com/app:1  # to the registry of its name
jettison push -a registry.example.com/app  # all its tags
jettison push --compression zstd registry.example.com/app:1  # compressed by zstd

= login
jettison login  # Docker Hub; asks for name and password
jettison login -u me registry.example.com  # asks for the password
jettison login -u me --password-stdin registry.example.com < token  # asks for nothing

= logout
jettison logout  # Docker Hub
jettison logout registry.example.com  # another registry
jettison --config ~/.docker-ci logout registry.example.com  # of another file of credentials

= check
jettison check  # the Dockerfile of this directory
jettison check -f docker/Dockerfile .  # another one
jettison check --format sarif . > check.sarif  # for code scanning

= prune
jettison prune  # what no tag and no image needs
jettison prune -a -f  # also images without containers, without asking
jettison prune --max-size 10g --dry-run --explain  # what of the cache would go beyond 10 GB

= du
jettison du  # how much images, cache and containers take
jettison du --filter until=72h --filter private  # what no image has and nobody used for three days
jettison --root /srv/jettison du  # of another store

= fsck
jettison fsck  # look at everything
jettison fsck --repair  # and remove what is damaged
jettison fsck --format json  # for programs

= doctor
jettison doctor  # what isolates steps here, and what would be needed for more
jettison doctor --format json  # for programs
jettison --root /srv/jettison doctor  # with another store

= info
jettison info  # facts of store and host
jettison info -f json  # as JSON
jettison info -f '{{.DockerRootDir}}'  # one of them

= version
jettison version  # of Jettison, Python and formats
jettison version -f json  # as JSON
jettison version -f '{{.Client.Version}}'  # the number

= completion
source <(jettison completion bash)  # in ~/.bashrc
source <(jettison completion zsh)  # in ~/.zshrc
jettison completion fish | source  # in ~/.config/fish/config.fish

= help
jettison help  # all commands
jettison help build  # one of them
jettison help image ls  # docker's long form of one

= debug
jettison debug shell  # a shell where the last build failed
jettison debug parse Dockerfile  # the syntax tree
jettison debug shell --list  # failed steps that are kept

= debug parse
jettison debug parse Dockerfile  # the syntax tree as text
jettison debug parse --format json Dockerfile  # as JSON
jettison debug parse - < Dockerfile  # of standard input

= debug shell
jettison debug shell  # where the last step failed
jettison debug shell --list  # which failed steps are kept
jettison debug shell --step builder cat /app/config.log  # one command in one of them

= image inspect
jettison image inspect app  # all facts as JSON
jettison image inspect -f '{{.Id}}' app  # one of them
jettison image inspect app:1 app:2  # of two images

= container inspect
jettison container inspect web  # all facts as JSON
jettison container inspect -f '{{.State.ExitCode}}' job  # one of them
jettison container inspect -s web  # with its size

= container prune
jettison container prune  # remove those that do not run, after asking
jettison container prune -f  # without asking
jettison container prune --filter until=24h  # only those of yesterday and before

= image prune
jettison image prune  # images without a name
jettison image prune -a  # all that no container uses
jettison image prune -a -f --filter until=240h  # older than ten days, without asking

= builder prune
jettison builder prune  # the build cache
jettison builder prune -a -f  # all of it, without asking
jettison builder prune --filter until=240h  # what was not used for ten days

= system prune
jettison system prune  # containers, images and cache that nothing uses
jettison system prune -a -f  # also images without containers, without asking
jettison system prune --filter until=240h  # older than ten days

= system df
jettison system df  # a line for each kind
jettison system df -v  # a line for each thing
jettison system df --format json  # for programs

= buildx du
jettison buildx du  # the build cache
jettison buildx du --verbose  # all that is known of each record
jettison buildx du --filter type=regular  # some of it

= manifest create
jettison manifest create app:1 app:amd64 app:arm64  # of images of the store
jettison manifest create --amend app:1 ghcr.io/org/app:riscv  # one of a registry beside them
jettison manifest create --all app:1 ghcr.io/org/app:0  # all that another list has

= manifest add
jettison manifest add app:1 app:arm64  # an image more
jettison manifest add --arch arm --variant v6 app:1 app:pi  # with what it is for
jettison manifest add --all app:1 ghcr.io/org/app:0  # all that another list has

= manifest annotate
jettison manifest annotate app:1 app:pi --arch arm --variant v6  # what it is for
jettison manifest annotate app:1 app:arm64 --annotation org.example.board=b2  # a note on it
jettison manifest annotate --index app:1 --annotation org.example.team=a  # a note on the list

= manifest remove
jettison manifest remove app:1 app:arm64  # named as it was added
jettison manifest remove app:1 sha256:8f1a…  # by its digest
jettison manifest remove ghcr.io/org/app:1 ghcr.io/org/app:pi  # of another list

= manifest push
jettison manifest push registry.example.com/app:1  # to the registry of its name
jettison manifest push app:1 docker://registry.example.com/app:1  # to another name
jettison manifest push --purge app:1 oci:app:1  # to a layout, and forgotten here

= manifest rm
jettison manifest rm app:1  # the list, and none of its images
jettison manifest rm app:1 app:2  # two of them
jettison manifest rm registry.example.com/app:1  # here only, not in the registry

= manifest exists
jettison manifest exists app:1  # status 0 or 1, for a script
jettison manifest exists registry.example.com/app:1  # here, not in the registry
jettison manifest exists app  # one with the tag `latest`

= manifest inspect
jettison manifest inspect alpine  # what the registry has
jettison manifest inspect -v alpine  # with all platforms
jettison manifest inspect registry.example.com/app:1  # of another registry
"""


def examples(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return the examples of a command: lines to type and what each does.

    Args:
        words: Of the command, as it was called: ``image``, ``ls``.
    """
    name = " ".join(words)
    name = name if f"\n= {name}\n" in _TEXT else canonical(words) or ""
    _, found, rest = _TEXT.partition(f"\n= {name}\n")
    if not found or not name:
        return []
    lines = rest.partition("\n\n")[0].strip().split("\n")
    return [(line.strip(), about.strip()) for line, _, about in (x.rpartition("#") for x in lines)]


def names() -> list[str]:
    """Return the commands that have examples."""
    return [line[2:] for line in _TEXT.split("\n") if line.startswith("= ")]
