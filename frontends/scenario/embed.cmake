# frontends/scenario/embed.cmake - writes OUTPUT, a source file with the text of every file in EXHIBITS.
set(rows "")
foreach(path ${EXHIBITS})
  get_filename_component(name ${path} NAME_WE)
  file(READ ${path} text)
  string(APPEND rows "    {\"${name}\", R\"scn(${text})scn\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"frontends/scenario/museum.h\"

namespace farside::scenario {
namespace {

constexpr Exhibit kExhibits[] = {
${rows}};

}  // namespace

std::span<const Exhibit> exhibits() { return kExhibits; }

}  // namespace farside::scenario
")
