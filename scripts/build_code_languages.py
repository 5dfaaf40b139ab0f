"""Write `src/modelwright/measure/data/code_languages.json`: which languages a file's name or first line allows.

The table is our own, written from the public conventions of each language. The names are linguist's (MIT, GitHub,
Inc.) in lower case, plus `ansible` and `terraform`. One row: name | type | extensions | file names | interpreters.

    python scripts/build_code_languages.py
"""

from __future__ import annotations

import json
from pathlib import Path

PREFERRED = {
    "bas": "vba", "bb": "bitbake", "cl": "common lisp", "cls": "apex", "d": "d", "ddl": "sql", "f": "fortran",
    "fcgi": "perl",
    "for": "fortran", "fs": "f#", "fx": "hlsl", "hcl": "terraform", "inc": "php", "l": "lex", "ll": "llvm",
    "m": "objective-c",
    "ml": "ocaml", "mm": "objective-c++", "pl": "perl", "pp": "puppet", "pro": "prolog", "r": "r", "re": "reason",
    "rs": "rust",
    "sc": "scala", "sql": "sql", "t": "perl", "tm": "tcl", "ts": "typescript", "v": "verilog", "vsh": "glsl",
    "yy": "yacc",
}  # fmt: skip
"""Who is preferred for an extension when nothing in the text decides; else the first in alphabetical order."""

OUT = Path(__file__).parents[1] / "src/modelwright/measure/data/code_languages.json"

TABLE = """
ada | programming | adb ads ada gpr | |
antlr | programming | g4 | |
apex | programming | cls trigger apex apxc apxt | |
applescript | programming | applescript scpt | | osascript
asciidoc | prose | adoc asciidoc asc | |
assembly | programming | asm s S nas nasm a51 i I inc | |
astro | markup | astro | |
awk | programming | awk auk gawk mawk nawk | | awk gawk mawk nawk
ballerina | programming | bal | |
batchfile | programming | bat cmd | |
bibtex | markup | bib bibtex | |
bicep | programming | bicep bicepparam | |
bitbake | programming | bb bbappend bbclass | |
blade | markup | blade.php blade | |
c | programming | c C h cats idc w h.in c.in | |
c# | programming | cs cake csx cs.pp linq | |
c++ | programming | cpp cc cxx c++ cp hpp hh hxx h++ h inl ino ipp ixx cppm tcc tpp txx inc re cu.h | |
clojure | programming | clj cljs cljc cljx cljscm edn boot hic hl bb cl2 cljs.hl | riemann.config | bb clojure
cmake | programming | cmake cmake.in | CMakeLists.txt |
cobol | programming | cob cbl ccp cobol cpy cpb | |
coffeescript | programming | coffee _coffee cjsx iced coffee.erb cson | Cakefile | coffee
common lisp | programming | lisp cl asd lsp ny podsl sexp l | | sbcl clisp ecl lisp ccl
crystal | programming | cr | | crystal
csv | table | csv | |
cuda | programming | cu cuh | |
css | programming | css | |
cython | programming | pyx pxd pxi | |
d | programming | d di | |
dart | programming | dart | | dart
diff | data | diff patch | |
dockerfile | programming | dockerfile containerfile Containerfile | Dockerfile Containerfile |
dotenv | data | env | .env .env.example .env.local |
editorconfig | data | editorconfig | .editorconfig |
ejs | markup | ejs ect | |
elixir | programming | ex exs | mix.lock | elixir
elm | programming | elm | |
emacs lisp | programming | el emacs emacs.desktop ede gnus | .emacs .emacs.desktop .gnus .spacemacs .viper Cask Eask
  _emacs abbrev_defs Project.ede |
erlang | programming | erl hrl es escript app app.src xrl yrl | Emakefile rebar.config rebar.config.lock rebar.lock
  | escript
f# | programming | fs fsi fsx fsproj.fs | |
forth | programming | fth 4th forth f fs frt for | |
fortran | programming | f90 f95 f03 f08 f for f77 fpp fr ftn | |
glsl | programming | glsl vert frag geom comp tesc tese vs fs fsh vsh fp frg fshader vshader gs gshader rchit rgen
  rmiss rahit rcall shader tcs tcsh tes vrx glslf glslv mesh task | |
go | programming | go | | 
go checksums | data | | go.sum |
go module | data | | go.mod |
graphql | data | graphql gql graphqls | |
groovy | programming | groovy grt gtpl gvy gradle gsp jenkinsfile | Jenkinsfile | groovy
haml | markup | haml | |
handlebars | markup | hbs handlebars | |
haskell | programming | hs hs-boot hsc lhs | | runghc runhaskell runhugs
haxe | programming | hx hxsl | |
hcl | programming | hcl nomad | |
hlsl | programming | hlsl cginc fx fxh hlsli | |
html | markup | html htm hta html.hl xht xhtml inc shtml | |
html+erb | markup | html.erb erb erb.deface rhtml phtml.erb | |
http | data | http | |
ignore list | data | gitignore dockerignore npmignore | .gitignore .dockerignore .npmignore .eslintignore
  .prettierignore |
ini | data | ini cfg cnf conf container desktop dof frm lektorproject mount network prefs pro properties service
  socket target timer url volume spec | .coveragerc .editorconfig.ini .flake8 .pylintrc pylintrc buildozer.spec
  .buckconfig .npmrc .gitconfig .gitmodules HOSTS setup.cfg tox.ini |
java | programming | java jav jsh | | java
java server pages | markup | jsp tag | |
javascript | programming | js mjs cjs jsx es es6 jsm jscad jslib jspre jss frag gs njs pac sjs ssjs xsjs xsjslib
  bones _js jake javascript js.frag | Jakefile | node nodejs rhino chakra d8 gjs js qjs v8 deno bun
jinja | markup | j2 jinja jinja2 | |
json | data | json 4DForm 4DProject avsc geojson gltf har ice JSON-tmLanguage mcmeta sarif tact tfstate
  tfstate.backup topojson webapp webmanifest yy yyp jscsrc jslintrc jshintrc sublime-settings tern-project
  watchmanconfig json.example | .all-contributorsrc .arcconfig .auto-changelog .c8rc .htmlhintrc .imgbotconfig .nycrc
  .tern-config .tern-project .watchmanconfig MODULE.bazel.lock Package.resolved Pipfile.lock composer.lock deno.lock
  flake.lock mcmod.info .babelrc .jshintrc .jscsrc .eslintrc .releaserc .prettierrc .swcrc |
json with comments | data | jsonc code-snippets code-workspace sublime-build sublime-commands sublime-keymap
  sublime-project json5 | tsconfig.json jsconfig.json devcontainer.json api-extractor.json |
jsonl | data | jsonl ndjson | |
jsonnet | programming | jsonnet libsonnet | |
julia | programming | jl | | julia
jupyter notebook | markup | ipynb | |
kotlin | programming | kt kts ktm | | kotlin
latte | markup | latte | |
lean | programming | lean | |
less | programming | less | |
lex | programming | l ll lex | |
liquid | markup | liquid | |
llvm | programming | ll | |
lua | programming | lua fcgi nse p8 pd_lua rbxs rockspec wlua luau | .luacheckrc | lua luajit
makefile | programming | mk mak make mkfile boot.mk | Makefile makefile GNUmakefile BSDmakefile Kbuild Makefile.am
  Makefile.in Makefile.inc Makefile.boot Makefile.frag Makefile.wat makefile.sco Makefile.PL.mk mkfile | make
markdown | prose | md markdown mdown mdwn mkd mkdn mkdown ronn workbook livemd scd mdx | contents.lr README.md |
matlab | programming | m matlab | |
mermaid | markup | mmd mermaid | |
meson | programming | meson | meson.build meson_options.txt meson.options |
mlir | programming | mlir | |
mustache | markup | mustache | |
nginx | data | nginx nginxconf vhost | nginx.conf |
nim | programming | nim nims nimble nimrod nim.cfg | nim.cfg |
nix | programming | nix | | nix-shell
objective-c | programming | m h mm | |
objective-c++ | programming | mm | |
ocaml | programming | ml mli mll mly eliom eliomi ml4 | dune-project.ml | ocaml ocamlrun ocamlscript
odin | programming | odin | |
opencl | programming | cl opencl | |
org | prose | org | |
pascal | programming | pas pp dfm dpr inc lpr pascal lfm | | instantfpc
perl | programming | pl pm t al cgi fcgi perl ph plx psgi PL | Makefile.PL Rexfile ack cpanfile .latexmkrc | perl
  cperl
php | programming | php php3 php4 php5 phps phpt inc phtml aw ctp fcgi php.dist | .php .php_cs .php_cs.dist
  Phakefile | php
pip requirements | data | requirements.txt | requirements.txt requirements-dev.txt dev-requirements.txt
  constraints.txt |
plpgsql | programming | pgsql sql | |
plsql | programming | pls bdy ddl fnc pck pkb pks plb plsql prc spc sql tpb tps trg vw | |
powershell | programming | ps1 psd1 psm1 | | pwsh
prisma | data | prisma | |
prolog | programming | pl plt pro prolog yap P | | swipl yap
protocol buffer | data | proto textproto pbtxt | |
pug | markup | pug jade | |
puppet | programming | pp | Modulefile | puppet
purescript | programming | purs | |
python | programming | py pyi pyw py3 pyde pyp pyt cgi fcgi gyp gypi lmi pth rpy spec tac wsgi xpy linux.spec |
  .gclient DEPS SConscript SConstruct wscript Snakefile | python python2 python3 pypy pypy3 uv
qml | programming | qml qbs | |
r | programming | r R rd Rd rsx Rhistory Rprofile | .Rprofile .Rhistory expr-dist | Rscript littler
racket | programming | rkt rktd rktl scrbl | | racket
raku | programming | raku rakumod p6 pl6 pm6 rakutest t | | perl6 raku rakudo
razor | markup | cshtml razor | |
reason | programming | re rei | |
rebol | programming | reb r rebol r2 r3 | |
restructuredtext | prose | rst rest rest.txt rst.txt | |
rich text format | markup | rtf | |
rmarkdown | prose | Rmd qmd rmd | |
robotframework | programming | robot resource | |
rpgle | programming | rpgle sqlrpgle rpgleinc | |
ruby | programming | rb builder eye fcgi gemspec god jbuilder mspec pluginspec podspec prawn rabl rake rbi rbuild
  rbw rbx ru ruby spec thor watchr erb.rb | .irbrc .pryrc .simplecov Appraisals Berksfile Brewfile Buildfile Capfile
  Dangerfile Deliverfile Fastfile Gemfile Gemfile.lock Guardfile Jarfile Mavenfile Podfile Puppetfile Rakefile
  Snapfile Steepfile Thorfile Vagrantfile buildfile | ruby jruby macruby rake rbx
rust | programming | rs rs.in | | rust-script
sas | programming | sas | |
sass | programming | sass | |
scala | programming | scala kojo sbt sc mill | | scala scala-cli
scheme | programming | scm ss sch sld sls sps | | scheme guile chicken gosh csi chez
scss | programming | scss | |
shell | programming | sh bash bats cgi command fcgi ksh kshrc slurm tmux tool trigger zsh sh.in bash_aliases
  bash_functions zprofile bashrc zshrc fish-sh sbatch | .bash_aliases .bash_functions .bash_history .bash_logout
  .bash_profile .bashrc .cshrc .envrc .flaskenv .kshrc .login .profile .tmux.conf .xinitrc .xsession .zlogin .zlogout
  .zprofile .zshenv .zshrc 9fs PKGBUILD APKBUILD bash_aliases bash_logout bash_profile bashrc cshrc gradlew kshrc
  login man profile tmux.conf xinitrc xsession zlogin zlogout zprofile zshenv zshrc mvnw configure | sh bash dash ksh
  zsh ash mksh pdksh rc bats
fish | programming | fish | | fish
slim | markup | slim | |
smali | programming | smali | |
smalltalk | programming | st cs | | gst
solidity | programming | sol | |
sparql | data | sparql rq | |
sql | programming | sql cql ddl inc mysql.sql prc tab udf viw dml psql sqlite | |
standard ml | programming | sml fun sig ml | |
starlark | programming | bzl star bazel bzlmod | BUCK BUILD BUILD.bazel MODULE.bazel Tiltfile WORKSPACE
  WORKSPACE.bazel WORKSPACE.bzlmod |
stata | programming | do ado doh ihlp mata matah sthlp | |
stylus | programming | styl | |
svelte | markup | svelte | |
svg | markup | svg | |
swift | programming | swift | | swift
systemverilog | programming | sv svh vh | |
tcl | programming | tcl adp sdc tcl.in tm xdc test itcl itk tk | owh starfield | tclsh wish expect
tex | markup | tex aux bbx cbx cls dtx ins lbx ltx mkii mkiv sty toc def | |
terraform | programming | tf tfvars tfbackend tf.json tftest.hcl tofu hcl | .terraform.lock.hcl |
text | prose | txt text | COPYING COPYRIGHT LICENSE LICENCE NEWS README INSTALL CHANGELOG AUTHORS CONTRIBUTORS
  NOTICE |
thrift | data | thrift | |
toml | data | toml toml.example toml.orig | Cargo.lock Cargo.toml.orig Gopkg.lock Pipfile pdm.lock poetry.lock
  uv.lock pixi.lock.toml |
tsv | table | tsv tab vcf.tsv | |
tsx | programming | tsx | |
twig | markup | twig | |
typescript | programming | ts cts mts | | deno ts-node tsx bun
typst | markup | typ | |
v | programming | v vsh vv | |
vala | programming | vala vapi | |
vbscript | programming | vbs | |
verilog | programming | v veo vh | |
vhdl | programming | vhd vhdl vhf vhi vho vhs vht vhw | |
vim script | programming | vim vba vimrc vmb | .exrc .gvimrc .nvimrc .vimrc _vimrc gvimrc nvimrc vimrc |
visual basic .net | programming | vb vbhtml | |
vba | programming | bas frm cls vba | |
vue | markup | vue | |
webassembly | programming | wat wast | |
wgsl | programming | wgsl | |
xml | data | xml adml admx ant axaml axml builds ccproj ccxml cdxml clixml config cproject cscfg csdef csl csproj ct
  depproj dita ditamap ditaval dll.config dotsettings filters fsproj fxml glade gml gmx gpx gst hzp icls iml ivy jelly
  jsproj kml launch lvclass lvlib lvproj mdpolicy meta4 metalink mjml mm mod mxml natvis ncl ndproj nproj nuspec odd
  osm owl pkgproj plist pluginspec proj props ps1xml psc1 pt pubxml qhelp qrc rdf re res resx rs rss runsettings sch
  scxml sfproj shproj srdf storyboard stTheme sublime-snippet sw targets tml tmLanguage tmPreferences tmSnippet
  tmTheme tsx ui urdf ux vbproj vcxproj vcxproj.filters vsixmanifest vssettings vstemplate vxml wixproj workflow wsdl
  wsf wxi wxl wxs x3d xacro xaml xib xlf xliff xmi xml.dist xmp xproj xsd xspec xul zcml ts tm | .classpath .cproject
  .project App.config NuGet.config Settings.StyleCop Web.Debug.config Web.Release.config Web.config packages.config |
xquery | programming | xq xql xqm xquery xqy | |
xslt | programming | xsl xslt | |
yacc | programming | y yacc yy | |
yaml | data | yml yaml eyaml mir reek rviz sublime-syntax syntax yml.mysql yaml-tmlanguage yaml.sed cff |
  .clang-format .clang-tidy .clangd .eslintrc .gemrc .releaserc .prettierrc CITATION.cff glide.lock pixi.lock
  yarn.lock .stylelintrc |
zig | programming | zig zig.zon zon | |
"""


def rows() -> list[dict[str, object]]:
    found = []
    for line in TABLE.strip().replace("\n  ", " ").splitlines():
        name, kind, extensions, names, interpreters = (part.strip() for part in line.split("|"))
        found.append(
            {
                "name": name,
                "type": kind,
                "extensions": extensions.split(),
                "names": names.split(),
                "interpreters": interpreters.split(),
            }
        )
    return sorted(found, key=lambda row: str(row["name"]))


def main() -> None:
    languages = rows()
    assert len({row["name"] for row in languages}) == len(languages)
    table = {"languages": languages, "preferred": PREFERRED}
    OUT.write_text(json.dumps(table, indent=0, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(languages)} languages -> {OUT}")


if __name__ == "__main__":
    main()
